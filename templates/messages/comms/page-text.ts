import type { GateStep, System } from "../../../src/catalog/types.ts";
import { needsSecond } from "../../../src/incident/break-glass.ts";
import { isPrivate } from "../../../src/incident/members.ts";
import { incidentName } from "../../../src/incident/numbers.ts";
import { personById } from "../../../src/incident/people.ts";
import type { Break, Escalated, GateState, IncidentState, RunState, Split } from "../../../src/incident/state.ts";
import { contactLine } from "../incident/contacts.ts";
import { named } from "../incident/maintenance.ts";
import { cut, ended, plain } from "../kit/escape.ts";
import { kindPrefix, runTitle } from "../kit/kind.ts";
import { clock, lasting } from "../kit/when.ts";
import { notFencedPlain } from "../run/fence.ts";

/**
 * What a telephone says at night: plain words, one line, the worst first. A phone reads the beginning aloud and shows
 * little more, so what follows is in `details`.
 */
export interface Spoken {
  readonly summary: string;
  readonly details: string;
}

/** PagerDuty cuts at 1024 characters, phones long before. */
const LINE = 250;

export function pageWords(practice: boolean) {
  /** Pages are read by the one who has the phone, and kept by the pager: of what only members know nothing is in them. */
  const hiddenWords = (state: IncidentState, wants: string): Spoken => ({
    summary: `${prefixOf(state)}${named(state)}: private incident, ${wants}`,
    details: "Open Slack: Lifeboat has written to those who decide. Acknowledging this page doesn't decide.",
  });
  const prefixOf = (state: IncidentState) => kindPrefix(state.declared?.kind ?? "real", practice);
  return {
    alarm(state: IncidentState, system: System): Spoken {
      if (isPrivate(state.declared)) return hiddenWords(state, "on-call is needed");
      const title = plain(state.declared?.title ?? state.id);
      return {
        summary: cut(`${prefixOf(state)}${named(state)} ${plain(system.title)}: ${title}`, LINE),
        details: `${incidentName(state)}. Open its channel in Slack; /dr status shows where it stands.`,
      };
    },
    unresolved(state: IncidentState, { role, afterSeconds }: Escalated, system: System): Spoken {
      if (isPrivate(state.declared)) return hiddenWords(state, "it goes on and reaches you");
      const title = plain(state.declared?.title ?? state.id);
      const to = plain(system.roles.find(({ id }) => id === role)?.title ?? role);
      return {
        summary: cut(`${prefixOf(state)}${named(state)} not resolved after ${lasting(afterSeconds)}: ${title}`, LINE),
        details: [
          `Escalated to ${to} (${incidentName(state)}). Open its channel in Slack; /dr status shows where it is.`,
          ...(system.contacts ?? []).slice(0, 5).map((one) => ended(plain(contactLine(one)))),
        ].join("\n"),
      };
    },
    summons(
      about: { state: IncidentState; run: RunState; step: GateStep; gate: GateState; role: string },
      system: System,
    ): Spoken {
      const { state, run, step, gate, role } = about;
      if (isPrivate(state.declared)) return hiddenWords(state, "your decision is needed");
      const title = system.roles.find(({ id }) => id === role)?.title ?? role;
      return {
        summary: cut(
          `${prefixOf(state)}Decide as ${plain(title)}: ${plain(run.plan.title)}. ${plain(step.title)}`,
          LINE,
        ),
        details: [
          ended(plain(run.plan.target)),
          ...(notFencedPlain(run) === "" ? [] : [notFencedPlain(run).trim()]),
          `Data loss: ${ended(plain(gate.loss))}`,
          `Expires at ${clock(gate.expiresAt)}.`,
          `Approve or deny in Slack, in the thread of ${run.id} (${incidentName(state)}). Acknowledging this page doesn't decide.`,
        ].join("\n"),
      };
    },
    breakGlass(
      about: { state: IncidentState; run: RunState; gate: GateState | null; broke: Break | null },
      system: System,
    ): Spoken {
      const { state, run, gate, broke } = about;
      if (isPrivate(state.declared)) return hiddenWords(state, "break-glass needs a look");
      const who = broke ?? gate?.breaking ?? null;
      const name = plain(system.people.find(({ id }) => id === who?.person)?.name ?? who?.person ?? "Somebody");
      const what = `${plain(run.plan.title)} (${incidentName(state)})`;
      const reason = `Reason: ${ended(plain(who?.reason ?? ""))}`;
      const place = `${ended(plain(run.plan.target))}`;
      if (broke === null)
        return {
          summary: cut(
            `${prefixOf(state)}BREAK-GLASS requested: ${name} wants to override the approval of ${what}`,
            LINE,
          ),
          details: [
            reason,
            place,
            `Confirm or deny in Slack, in the thread of ${run.id}. ${withoutSecond(run, gate, system, name)}`,
          ].join("\n"),
        };
      const second = broke.second === null ? "alone" : "with a second person";
      return {
        summary: cut(`${prefixOf(state)}BREAK-GLASS: ${name} overrode the approval of ${what}, ${second}`, LINE),
        details: [
          reason,
          place,
          `/dr pause stops the run. Someone not involved must review it: /dr review, or the button in ${incidentName(state)}.`,
        ].join("\n"),
      };
    },
    split(about: { state: IncidentState; run: RunState; split: Split }, system: System): Spoken {
      const { state, run, split } = about;
      if (isPrivate(state.declared)) return hiddenWords(state, "split brain");
      return {
        summary: cut(`${prefixOf(state)}SPLIT BRAIN in ${plain(system.title)}: ${plain(split.says)}`, LINE),
        details: [
          plain(split.next),
          `After ${plain(run.plan.title)} (${run.id}, ${incidentName(state)}). Look in its thread in Slack.`,
        ].join("\n"),
      };
    },
    reachable(system: System, until: Date): Spoken {
      const title = plain(system.title);
      return {
        summary: cut(
          `${kindPrefix("real", practice)}TEST, no incident: acknowledge if you can be reached (${title})`,
          LINE,
        ),
        details: [
          `Lifeboat asks once a month whether those who approve for ${title} can be reached.`,
          `Acknowledge this page by ${until.toISOString().slice(0, 10)}, or tap "I can be reached" in Slack. Nothing else is needed.`,
        ].join("\n"),
      };
    },
    result(run: RunState): string {
      const title = `Lifeboat: ${kindPrefix(run.plan.kind, practice)}${plain(runTitle(run.plan, run.dryRun))} (${run.id})`;
      if (run.ending?.as === "verified") return `${title} is done and verified. ${ended(plain(run.plan.target))}`;
      const { problem } = run;
      const parts = [problem?.what, problem?.stateNow].filter((part) => part !== undefined && part !== "");
      return `${title} ${run.ending?.as === "aborted" ? "was aborted" : "failed"}. ${parts.map((part) => ended(plain(part as string))).join(" ")}`.trim();
    },
  };
}

function withoutSecond(run: RunState, gate: GateState | null, system: System, name: string): string {
  const first = personById(gate?.breaking?.person ?? "", system);
  if (first !== null && needsSecond(first, run, system)) return `${name} requested this run and can't go on alone.`;
  return `If no one does, ${name} may go on alone from ${gate?.breaking ? clock(gate.breaking.aloneAt) : "now"}.`;
}
