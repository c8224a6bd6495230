import type { Problem } from "../../../src/lib/errors.ts";
import { didYouMean } from "../kit/command-refusals.ts";

/** What is wrong with a command that tells people something. */

export function notMinutes(typed: string): Problem {
  return { code: "minutes-unreadable", what: `"${typed}" isn't a number of minutes`, next: "`/dr snooze 10`" };
}

export function templateUnfitting(
  template: { readonly title: string; readonly moment: string },
  status: string,
): Problem {
  return {
    code: "update-unfitting",
    what: `“${template.title}” isn't true now`,
    allowed: `The incident is ${status}`,
    next: template.moment === "resolution" ? "Resolve it first: `/dr resolve`" : "`/dr update` shows what fits",
  };
}

/** `named`: as typed; null: none was. `fitting`: ids. */
export function unknownTemplate(named: string | null, fitting: readonly string[], near: string | null): Problem {
  return {
    code: "template-unknown",
    what: named === null ? "No such template" : `There is no template ${named}`,
    allowed: fitting.length === 0 ? "No template fits now" : `Best fit now: ${fitting.slice(0, 5).join(", ")}`,
    ...didYouMean(near),
  };
}

export function updateIncomplete(missing: readonly string[]): Problem {
  return {
    code: "update-incomplete",
    what: `Nothing was sent. To fill in: ${missing.map((label) => `"${label}"`).join(", ")}`,
    next: "`/dr update` opens it again",
  };
}

/** `why`: of the first channel, as it says it. */
export function updateReachesNoOne(why: string | null): Problem {
  return {
    code: "update-nobody",
    what: `Nothing was sent: no one would get it${why === null ? "" : ` (${why})`}`,
    next: "Say in `comms:` of system.yml how they are reached",
  };
}
