import type { Problem } from "../../../src/lib/errors.ts";

export function mayNotTakePack(roles: readonly string[], able: string): Problem {
  return {
    code: "evidence-role",
    what: `Evidence packs are for ${roles.join(" and ")} only`,
    allowed: `Who can: ${able}`,
  };
}

export function packBeginMissing(): Problem {
  return {
    code: "evidence-from-missing",
    what: "The period has no beginning",
    allowed: "--from is the first day, --to the first one after the period; without --to it ends now",
    next: "`/dr evidence --from 2026-01-01 --to 2026-04-01`",
  };
}

/** The command line has its own, which leaves nothing out. */
export function packOnHost(system: string): Problem {
  return {
    code: "evidence-on-host",
    what: "A pack is no file for this command line",
    next: `On the bot's host: \`lifeboat evidence export --from 2026-01-01 --system ${system} --out <folder>\``,
  };
}

export function packUnderWay(title: string): Problem {
  return {
    code: "evidence-under-way",
    where: title,
    what: "A pack of it is being made",
    next: "Try again in a minute",
  };
}

export function whichSystem(systems: readonly string[]): Problem {
  return {
    code: "evidence-system-missing",
    what: "A pack is of one system",
    allowed: systems.join(", "),
    next: `\`/dr evidence ${systems[0] ?? "<system>"} --from 2026-01-01\``,
  };
}
