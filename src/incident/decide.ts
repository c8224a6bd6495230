import type { DecideContext, IncidentCommand, Outcome } from "./commands.ts";
import { addAction, doneAction } from "./decide/actions.ts";
import { breakGlass, confirmBreak, review } from "./decide/break-glass.ts";
import { commit } from "./decide/commit.ts";
import { postUpdate, snooze } from "./decide/comms.ts";
import { declare } from "./decide/declare.ts";
import { delegate, endDelegation } from "./decide/delegation.ts";
import {
  changeSeverity,
  changeStatus,
  close,
  draftPostmortem,
  note,
  raise,
  reopen,
  resolve,
  signOff,
} from "./decide/life.ts";
import { blockedRefusal } from "./decide/may.ts";
import { addMembers } from "./decide/members.ts";
import { refuse } from "./decide/outcome.ts";
import { assignRole } from "./decide/roles.ts";
import { abort, pause, requestRun, resume } from "./decide/runs.ts";
import { confirmStep, retryStep, skipStep } from "./decide/steps.ts";
import { answer, escalate, explain, question, showSteps } from "./decide/talk.ts";
import { answerTriage, startTriage } from "./decide/triage.ts";
import { approve, deny } from "./decide/votes.ts";
import type { IncidentState } from "./state.ts";

/**
 * What a command comes to: events, or a refusal that is an event too. Pure: who asks, what time it is and what the roster
 * says today all come in with the context, freshly established by the transport.
 */
export function decide(command: IncidentCommand, state: IncidentState, context: DecideContext): Outcome {
  switch (command.type) {
    case "approve":
      return approve(command, state, context);
    case "deny":
      return deny(command, state, context);
    default: {
      const refusal = blockedRefusal(context);
      return refusal === null ? decideFor(command, state, context) : refuse(context, command.type, refusal);
    }
  }
}

type Votes = "approve" | "deny";

function decideFor(
  command: Exclude<IncidentCommand, { type: Votes }>,
  state: IncidentState,
  context: DecideContext,
): Outcome {
  switch (command.type) {
    case "declare":
      return declare(command, state, context);
    case "raise":
      return raise(command, state, context);
    case "changeSeverity":
      return changeSeverity(command, state, context);
    case "changeStatus":
      return changeStatus(command, state, context);
    case "assignRole":
      return assignRole(command, state, context);
    case "note":
      return note(command, state, context);
    case "resolve":
      return resolve(command, state, context);
    case "reopen":
      return reopen(command, state, context);
    case "close":
      return close(command, state, context);
    case "draftPostmortem":
      return draftPostmortem(state, context);
    case "signOff":
      return signOff(command, state, context);
    case "addMembers":
      return addMembers(command, state, context);
    case "addAction":
      return addAction(command, state, context);
    case "doneAction":
      return doneAction(command, state, context);
    case "postUpdate":
      return postUpdate(command, state, context);
    case "snooze":
      return snooze(command, state, context);
    case "requestRun":
      return requestRun(command, state, context);
    case "commit":
      return commit(command, state, context);
    case "pause":
      return pause(command, state, context);
    case "resume":
      return resume(command, state, context);
    case "abort":
      return abort(command, state, context);
    case "retryStep":
      return retryStep(command, state, context);
    case "skipStep":
      return skipStep(command, state, context);
    case "confirmStep":
      return confirmStep(command, state, context);
    case "showSteps":
      return showSteps(command, state, context);
    case "question":
      return question(command, state, context);
    case "answer":
      return answer(command, state, context);
    case "explain":
      return explain(command, state, context);
    case "escalate":
      return escalate(command, state, context);
    case "delegate":
      return delegate(command, state, context);
    case "endDelegation":
      return endDelegation(command, state, context);
    case "breakGlass":
      return breakGlass(command, state, context);
    case "confirmBreak":
      return confirmBreak(command, state, context);
    case "review":
      return review(command, state, context);
    case "startTriage":
      return startTriage(command, state, context);
    case "answerTriage":
      return answerTriage(command, state, context);
    default:
      return command satisfies never;
  }
}
