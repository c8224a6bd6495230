import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../src/lib/root.ts";
import type { Complaint } from "../support/auditor.ts";

export const KINDS = ["events", "refusals", "faults"] as const;
/** How often each was reached. */
export type Coverage = { readonly [kind in (typeof KINDS)[number]]: Readonly<Record<string, number>> };

export interface Report {
  readonly runs: number;
  readonly seconds: number;
  /** The same seed gave the same run. */
  readonly isSame: boolean;
  readonly failed: readonly { readonly seed: number; readonly complaints: readonly Complaint[] }[];
  readonly coverage: Coverage;
}

/** What there is, by the sources: types of events, and codes of refusals. */
export function whatThereIs(): { readonly events: readonly string[]; readonly refusals: readonly string[] } {
  const incident = join(projectRoot(), "src", "incident");
  const refusals = readdirSync(join(incident, "refusal")).map((file) => join(incident, "refusal", file));
  return {
    events: namesIn([join(incident, "events.ts")], /type:\s+"([a-zA-Z-]+\.[a-zA-Z-]+)"/g),
    refusals: namesIn(refusals, /code:\s+"([a-z-]+)"/g),
  };
}

/** Types of events no simulated bot writes, by why, and what shows them instead. */
export const ELSEWHERE: readonly {
  readonly because: string;
  readonly shownBy: string;
  readonly events: readonly string[];
}[] = [
  {
    because: "no one is paged",
    shownBy: "test/paging",
    events: ["gate.summoned", "page.acknowledged", "page.failed", "page.sent"],
  },
  {
    because: "no one has an authenticator",
    shownBy: "test/commands/authority.test.ts",
    events: ["person.enrolled", "person.locked", "person.vouched"],
  },
  {
    because: "nothing moves between sites",
    shownBy: "test/engine/probation-monitor.test.ts",
    events: ["probation.changed", "probation.ended", "run.committed", "standby.missing", "standby.streams"],
  },
  {
    because: "no drill breaks anything",
    shownBy: "test/engine/fault-lifter.test.ts",
    events: ["fault.lifted", "fault.remains"],
  },
  {
    because: "readiness is not proven",
    shownBy: "test/readiness",
    events: ["readiness.changed", "readiness.reported"],
  },
  {
    because: "the catalogue's files don't change",
    shownBy: "test/security/reload.test.ts",
    events: ["catalogue.changed", "policy.recorded"],
  },
  {
    because: "heads are put nowhere outside",
    shownBy: "test/evidence/anchors.test.ts",
    events: ["anchor.placed", "anchor.refused", "checkpoint.made"],
  },
  {
    because: "every bot speaks to Slack",
    shownBy: "test/security/command-line.test.ts",
    events: ["bot.startedWithoutSlack"],
  },
];

/** What was reached, how often, and what wasn't. */
export function coverageOf(coverage: Coverage): string {
  const all = whatThereIs();
  const codes = counted(coverage.refusals, (name) => name.split(" ")[1] ?? name);
  return [
    share("Events", coverage.events, all.events, new Set(ELSEWHERE.flatMap(({ events }) => events))),
    ...ELSEWHERE.map(
      ({ because, shownBy, events }) => `  not simulated, ${because} (${shownBy}): ${events.join(", ")}`,
    ),
    share("Refusals", codes, all.refusals),
    `Faults: ${Object.keys(coverage.faults).length} kinds: ${listed(coverage.faults)}`,
  ].join("\n");
}

function share(
  what: string,
  reached: Readonly<Record<string, number>>,
  all: readonly string[],
  elsewhere?: ReadonlySet<string>,
): string {
  const known = all.filter((name) => name in reached);
  const others = Object.keys(reached).filter((name) => !all.includes(name));
  const missed = all.filter((name) => !(name in reached) && elsewhere?.has(name) !== true);
  return [
    `${what}: ${known.length} of ${all.length} kinds${others.length > 0 ? `, and ${others.length} of the transport` : ""}: ${listed(reached)}`,
    `  not reached: ${missed.join(", ") || "none"}`,
  ].join("\n");
}

function listed(counts: Readonly<Record<string, number>>): string {
  const most = Object.entries(counts).sort(([, one], [, other]) => other - one);
  return most.map(([name, times]) => `${name} ${times}`).join(", ");
}

function counted(counts: Readonly<Record<string, number>>, as: (name: string) => string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, times] of Object.entries(counts)) found[as(name)] = (found[as(name)] ?? 0) + times;
  return found;
}

function namesIn(files: readonly string[], pattern: RegExp): readonly string[] {
  const names = files.flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(pattern)].map(([, name]) => name ?? ""),
  );
  return [...new Set(names)].sort();
}
