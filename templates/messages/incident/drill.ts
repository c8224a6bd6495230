import type { Declared, IncidentState } from "../../../src/incident/state.ts";
import { isSurprise } from "../../../src/incident/surprise.ts";
import { section } from "../kit/blocks.ts";
import { safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { ShownMessage, Surroundings } from "../kit/view.ts";

/** Those whom the calendar entry names are told that it begins, each directly; where it is a surprise, no one else is. */
export function renderDrillNotices(state: IncidentState, declared: Declared, around: Surroundings): ShownMessage[] {
  return usersNoticed(declared, around).map((user) => {
    const where = around.channel ? ` Follow it in <#${around.channel}>.` : "";
    const quiet = isSurprise(declared) ? " Keep it to yourself: only you and those named with you know." : "";
    const text = `${kindPrefix("drill", around.practice)}${safe(declared.title)} (${safe(around.system.title)}) begins.${where}${quiet}`;
    return {
      key: `drill:${state.id}:${user}`,
      in: { person: user },
      under: null,
      priority: 1,
      message: { text, blocks: [section(text)] },
    };
  });
}

/** Slack accounts of those whom the entry names. */
export function usersNoticed({ drill }: Declared, { system }: Surroundings): readonly string[] {
  const named = system.people.filter(({ roles }) => roles.some((role) => drill?.tells.includes(role)));
  return [...new Set(named.flatMap(({ slack }) => slack.slice(0, 1)))];
}
