import type { Fault } from "../fault.ts";
import { actionInput } from "./action-input.ts";
import { approvedAhead } from "./approved-ahead.ts";
import { blindFence } from "./blind-fence.ts";
import { breakGlassQuorum } from "./break-glass-quorum.ts";
import { cadenceKept } from "./cadence-kept.ts";
import { clearStart } from "./clear-start.ts";
import { commsKnown } from "./comms-known.ts";
import { cycleLines } from "./cycle-lines.ts";
import { drillPlace } from "./drill-place.ts";
import { duplicateId } from "./duplicate-id.ts";
import { escalationOrder } from "./escalation-order.ts";
import { exerciseGate } from "./exercise-gate.ts";
import { faultLifted } from "./fault-lifted.ts";
import { gateQuorum } from "./gate-quorum.ts";
import { inputIsData } from "./input-is-data.ts";
import { manifestAllowed } from "./manifest-allowed.ts";
import { missingGate } from "./missing-gate.ts";
import { noSecrets } from "./no-secrets.ts";
import { overRto } from "./over-rto.ts";
import { ownSecrets } from "./own-secrets.ts";
import { pagingKnown } from "./paging-known.ts";
import { parallelGate } from "./parallel-gate.ts";
import { peopleReachable } from "./people-reachable.ts";
import { practicePeople } from "./practice-people.ts";
import { rpoKept } from "./rpo-kept.ts";
import type { Rule, RunbookView, SystemView, WholeView } from "./rule.ts";
import { saysWhatChanges } from "./says-what-changes.ts";
import { scriptAllowed } from "./script-allowed.ts";
import { scriptObserved } from "./script-observed.ts";
import { sharedKey } from "./shared-key.ts";
import { stepTimeout } from "./step-timeout.ts";
import { targetKnown } from "./target-known.ts";
import { threeTwoOne } from "./three-two-one.ts";
import { triageProbe } from "./triage-probe.ts";
import { triageTree } from "./triage-tree.ts";
import { unfencedPromote } from "./unfenced-promote.ts";
import { unheldRole } from "./unheld-role.ts";
import { unknownAction } from "./unknown-action.ts";
import { unknownChecklist } from "./unknown-checklist.ts";
import { unknownComponent } from "./unknown-component.ts";
import { unknownReference } from "./unknown-reference.ts";
import { unknownRole } from "./unknown-role.ts";
import { unknownRunbook } from "./unknown-runbook.ts";
import { unknownStep } from "./unknown-step.ts";
import { unknownTier } from "./unknown-tier.ts";
import { unreachable } from "./unreachable.ts";
import { unsafeRetries } from "./unsafe-retries.ts";
import { unusedInput } from "./unused-input.ts";
import { unusedVariable } from "./unused-variable.ts";
import { weakerGate } from "./weaker-gate.ts";
import { withinRto } from "./within-rto.ts";

export const rules: readonly Rule[] = [
  duplicateId,
  unknownRole,
  unknownComponent,
  unknownTier,
  unknownChecklist,
  unknownRunbook,
  cycleLines,
  targetKnown,
  unknownReference,
  unusedVariable,
  unusedInput,
  inputIsData,
  unknownAction,
  actionInput,
  noSecrets,
  clearStart,
  saysWhatChanges,
  missingGate,
  exerciseGate,
  drillPlace,
  approvedAhead,
  faultLifted,
  parallelGate,
  weakerGate,
  unheldRole,
  gateQuorum,
  escalationOrder,
  breakGlassQuorum,
  unfencedPromote,
  blindFence,
  unreachable,
  unknownStep,
  triageTree,
  triageProbe,
  unsafeRetries,
  stepTimeout,
  ownSecrets,
  scriptAllowed,
  scriptObserved,
  manifestAllowed,
  peopleReachable,
  practicePeople,
  sharedKey,
  pagingKnown,
  overRto,
  withinRto,
  rpoKept,
  threeTwoOne,
  cadenceKept,
  commsKnown,
];

export type RuleFault = Fault & { readonly rule: string };

export function checkSystem(view: SystemView): RuleFault[] {
  return rules.flatMap((rule) => [...(rule.system?.(view) ?? [])].map((fault) => ({ ...fault, rule: rule.id })));
}

export function checkWhole(view: WholeView): RuleFault[] {
  return rules.flatMap((rule) => [...(rule.whole?.(view) ?? [])].map((fault) => ({ ...fault, rule: rule.id })));
}

/** Of a runbook that could only be read in part, only what stands there is judged, never what is missing. */
export function checkRunbook(view: RunbookView, whole = true): RuleFault[] {
  return rules
    .filter((rule) => whole || rule.judgesParts === true)
    .flatMap((rule) => [...(rule.runbook?.(view) ?? [])].map((fault) => ({ ...fault, rule: rule.id })));
}
