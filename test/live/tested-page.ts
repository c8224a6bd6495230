import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { projectRoot } from "../../src/lib/root.ts";
import { dealsOf } from "./hold.ts";
import { MOTO, NO_PEER, NOT_USED } from "./peers.ts";
import { targets } from "./targets.ts";
import { programOf, readTested, type Tested } from "./tested.ts";

export const PAGE = join(projectRoot(), "docs/tested-against.md");
const CLIENTS = ["rds", "route-53", "route53-recovery-cluster", "cloudwatch", "s3", "sts"];

const PINS = join(projectRoot(), ".ci/peers.txt");
const READERS = [
  { what: "what Slack is shown", by: ["slack_sdk"], test: "test/slack/payloads.test.ts" },
  {
    what: "events (CloudEvents, signed webhooks)",
    by: ["cloudevents", "standardwebhooks"],
    test: "test/telemetry/peers.test.ts",
  },
  { what: "traces (OTLP)", by: ["opentelemetry-proto"], test: "test/telemetry/peers.test.ts" },
  { what: "IAM policies", by: ["parliament"], test: "test/permissions-in-aws.test.ts" },
  { what: "the Helm chart", by: ["helm_binary", "kubernetes-validate"], test: "test/deploy/chart.test.ts" },
  { what: "RDS actions beyond the contract", by: ["moto"], test: "test/live/peers.test.ts" },
];

/** `docs/tested-against.md`, from what the suites noted and what the code says now. */
export async function testedPage(): Promise<string> {
  const tested = await readTested();
  const models = await Promise.all(CLIENTS.map(modelLine));
  const pins = new Map((await readFile(PINS, "utf8")).split("\n").map((line) => line.split("==") as [string, string]));
  return `${[
    "# What Lifeboat was tested against",
    "Generated from `test/live/tested.json`, which the suites write, and from the contracts themselves:",
    "`LIFEBOAT_TESTED=write npm test -- test/live`, then `PAGES=write npm test -- test/live/tested.test.ts`.",
    "",
    "## Programs that this project did not write",
    "`suite` is held again by every run of `npm test`; the rest was held once, by hand.",
    "",
    "| target | program | version | held | when | by |",
    "|---|---|---|---|---|---|",
    ...tested.map(rowOf),
    "",
    "## Targets no independent program plays in CI",
    "Their contracts are held over our own stand-ins, and over the real thing by `npm run test:live`.",
    "",
    ...targets.flatMap((target) =>
      programOf(target) === null && NO_PEER[target.id] ? [`- \`${target.id}\`: ${NO_PEER[target.id]}.`] : [],
    ),
    "",
    "## What each contract holds",
    ...targets.flatMap((target) => [
      "",
      `**${target.id}** (${target.title})`,
      "",
      ...dealsOf(target).map(({ says }) => `- ${says}`),
    ]),
    "",
    "## Wire formats",
    "Every request of the AWS actions, and every answer of our stand-in, is held against the service models that ship with the",
    "SDKs (`test/wire`): members, types, required ones, enumerations, errors and their statuses, signatures.",
    "",
    "| model | version |",
    "|---|---|",
    ...models,
    "",
    "Of PagerDuty every request, every answer of our stand-in and every webhook is held against a table of the documented fields",
    "(`test/wire/pagerduty.ts`): the OpenAPI descriptions of github.com/PagerDuty/api-schema at 91a06fb (2026-08-14), and PagerDuty's",
    "page on v3 webhooks. No package of npm or PyPI holds that description, and it has no licence that would let it stand here.",
    "",
    "## What else is read by those who know the format",
    "Pinned in `.ci/peers.txt`; a test fails where one of them refuses what Lifeboat makes, and where it takes what is wrong.",
    "",
    "| what | by | test |",
    "|---|---|---|",
    ...READERS.map(
      ({ what, by, test }) => `| ${what} | ${by.map((name) => `${name} ${pins.get(name)}`).join(", ")} | \`${test}\` |`,
    ),
    "| timestamps (RFC 3161) | OpenSSL's authority | `test/evidence/anchors.test.ts` |",
    "| instant queries (`prometheus.check`) | Prometheus 2.42, of Debian | `test/actions/prometheus/real.test.ts` |",
    "",
    "## Known shortcuts of the peers",
    `${MOTO.program} plays ${MOTO.plays}. Otherwise than the real one:`,
    "",
    ...MOTO.shortcuts.map((one) => `- ${one}`),
    "",
    "## Looked at and not taken as a second S3",
    ...Object.entries(NOT_USED).map(([name, why]) => `- ${name}: ${why}.`),
  ].join("\n")}\n`;
}

function rowOf({ target, program, version, held, when, by }: Tested): string {
  return `| ${[`\`${target}\``, program, version, heldAs(held, target, by), when, by].join(" | ")} |`;
}

function heldAs(held: readonly string[], target: string, by: string): string {
  if (by !== "suite") return held.join("; ");
  const all = dealsOf(targets.find(({ id }) => id === target) ?? fail(target)).length;
  return held.length === all ? `all ${all}` : `${held.length} of ${all}`;
}

function fail(target: string): never {
  throw new Error(`test/live/tested.json names ${target}, which is no target`);
}

async function modelLine(client: string): Promise<string> {
  const file = join(projectRoot(), "node_modules/@aws-sdk", `client-${client}`, "package.json");
  const { version } = JSON.parse(await readFile(file, "utf8")) as { version: string };
  return `| \`@aws-sdk/client-${client}\` | ${version} |`;
}
