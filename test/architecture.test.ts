import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { projectRoot } from "../src/lib/root.ts";

/**
 * The import table of ARCHITECTURE.md as a test. A room may import itself, what is listed, and nothing else of ours;
 * a package listed under `packages` may appear in those places only.
 */
const rooms: Record<string, { at: string; may: string[] }> = {
  lib: { at: "src/lib/", may: [] },
  embeddedPostgres: { at: "src/embedded-postgres/", may: ["src/lib/"] },
  http: { at: "src/http/", may: ["src/lib/"] },
  catalog: { at: "src/catalog/", may: ["src/lib/"] },
  incident: {
    at: "src/incident/",
    may: ["src/lib/", "src/catalog/types.ts", "src/catalog/branches.ts", "src/catalog/gates.ts"],
  },
  incidents: {
    at: "src/incidents/",
    may: ["src/lib/", "src/catalog/types.ts", "src/incident/", "src/timeline/contract.ts"],
  },
  timeline: { at: "src/timeline/", may: ["src/lib/", "src/embedded-postgres/"] },
  projection: { at: "src/projection/", may: ["src/lib/", "src/timeline/contract.ts"] },
  alerts: {
    at: "src/alerts/",
    may: [
      "src/http/",
      "src/lib/",
      "src/catalog/",
      "src/incident/",
      "src/incidents/",
      "src/projection/",
      "src/timeline/contract.ts",
    ],
  },
  sinksSlack: {
    at: "src/sinks/slack/",
    may: [
      "src/lib/",
      "src/catalog/types.ts",
      "src/projection/",
      "templates/messages/kit/escape.ts",
      "templates/messages/kit/message.ts",
    ],
  },
  sinksPagerduty: { at: "src/sinks/pagerduty/", may: ["src/lib/", "src/projection/"] },
  sinksWebhook: { at: "src/sinks/webhook/", may: ["src/lib/", "src/projection/"] },
  sinksOtlp: { at: "src/sinks/otlp/", may: ["src/lib/", "src/projection/"] },
  sinksMail: { at: "src/sinks/mail/", may: ["src/lib/", "src/projection/"] },
  sinksStatuspage: {
    at: "src/sinks/statuspage/",
    may: ["src/lib/", "src/projection/", "src/incident/events.ts"],
  },
  engine: {
    at: "src/engine/",
    may: [
      "src/projection/",
      "src/lib/",
      "src/catalog/",
      "src/incident/",
      "src/incidents/",
      "src/timeline/",
      "src/actions/contract.ts",
      "src/actions/wrap/",
    ],
  },
  actions: { at: "src/actions/", may: ["src/lib/", "src/catalog/types.ts", "src/catalog/roles.ts"] },
  report: {
    at: "src/report/",
    may: [
      "src/lib/",
      "src/catalog/types.ts",
      "src/catalog/fault.ts",
      "src/catalog/suggest.ts",
      "src/incident/",
      "src/timeline/contract.ts",
    ],
  },
  telemetry: {
    at: "src/telemetry/",
    may: [
      "src/lib/",
      "src/incident/",
      "src/incidents/",
      "src/projection/",
      "src/sinks/otlp/",
      "src/sinks/webhook/",
      "src/timeline/contract.ts",
    ],
  },
  permissions: {
    at: "src/permissions/",
    may: ["src/lib/", "src/catalog/", "src/actions/permission.ts", "src/actions/permissions.ts"],
  },
  evidence: {
    at: "src/evidence/",
    may: [
      "src/lib/",
      "src/catalog/",
      "src/incident/",
      "src/incidents/plans.ts",
      "src/report/",
      "src/projection/",
      "src/timeline/",
    ],
  },
  readiness: {
    at: "src/readiness/",
    may: [
      "src/lib/",
      "src/catalog/",
      "src/incident/",
      "src/incidents/",
      "src/projection/",
      "src/engine/preflight.ts",
      "src/engine/look.ts",
      "src/timeline/contract.ts",
      "src/timeline/readiness-looks.ts",
    ],
  },
  metrics: {
    at: "src/metrics/",
    may: [
      "src/lib/",
      "src/incident/",
      "src/projection/outbox-now.ts",
      "src/readiness/state.ts",
      "src/timeline/contract.ts",
      "src/timeline/inbox.ts",
    ],
  },
  comms: {
    at: "src/comms/",
    may: [
      "src/http/",
      "src/projection/",
      "src/sinks/mail/",
      "src/sinks/statuspage/",
      "src/lib/",
      "src/catalog/",
      "src/incident/",
      "src/incidents/",
      "src/timeline/contract.ts",
      "src/timeline/schedule.ts",
      "templates/messages/kit/escape.ts",
    ],
  },
  calendar: {
    at: "src/calendar/",
    may: ["src/lib/", "src/catalog/", "src/incident/", "src/incidents/", "src/projection/", "src/timeline/"],
  },
  messages: {
    at: "templates/messages/",
    may: [
      "src/lib/",
      "src/catalog/types.ts",
      "src/catalog/branches.ts",
      "src/catalog/input-words.ts",
      "src/incident/",
      "src/calendar/events.ts",
      "src/calendar/seats.ts",
      "src/readiness/state.ts",
    ],
  },
  command: {
    at: "src/command/",
    may: [
      "src/lib/",
      "src/catalog/",
      "src/incident/",
      "src/incidents/",
      "src/timeline/contract.ts",
      "src/report/",
      "src/comms/",
      "src/calendar/",
      "src/mfa/second-factor.ts",
      "src/readiness/state.ts",
      "templates/messages/",
    ],
  },
  commands: {
    at: "commands/",
    may: [
      "src/command/",
      "src/lib/",
      "src/catalog/",
      "src/incident/",
      "src/incidents/",
      "src/timeline/contract.ts",
      "src/report/",
      "src/comms/",
      "src/calendar/",
      "src/mfa/second-factor.ts",
      "src/readiness/state.ts",
      "templates/messages/",
    ],
  },
  control: {
    at: "src/control/",
    may: [
      "src/http/",
      "src/lib/",
      "src/catalog/types.ts",
      "src/incident/",
      "src/mfa/",
      "src/command/",
      "commands/",
      "templates/messages/kit/escape.ts",
    ],
  },
  // The command line's side holds nothing of the bot's: what it may load is what it may know.
  dr: {
    at: "src/cli/dr",
    may: ["src/lib/", "src/control/protocol.ts", "src/control/socket-path.ts", "src/cli/version.ts"],
  },
  mfa: { at: "src/mfa/", may: ["src/lib/", "src/timeline/second-factors.ts"] },
  slack: {
    at: "src/slack/",
    may: [
      "src/http/",
      "src/projection/",
      "src/sinks/slack/",
      "src/lib/",
      "src/catalog/",
      "src/calendar/events.ts",
      "src/incident/",
      "src/incidents/",
      "src/readiness/state.ts",
      "src/timeline/",
      "src/command/",
      "commands/",
      "templates/messages/",
    ],
  },
  paging: {
    at: "src/paging/",
    may: [
      "src/http/",
      "src/projection/",
      "src/sinks/pagerduty/",
      "src/lib/",
      "src/catalog/types.ts",
      "src/calendar/events.ts",
      "src/calendar/seats.ts",
      "src/calendar/state.ts",
      "src/incident/",
      "src/incidents/",
      "src/timeline/contract.ts",
    ],
  },
  practiceSlack: { at: "practice/slack/", may: ["src/lib/"] },
  practicePagerduty: { at: "practice/pagerduty/", may: ["src/lib/", "practice/kit/"] },
  practiceMail: { at: "practice/mail/", may: ["src/lib/", "practice/kit/"] },
  practiceKit: { at: "practice/kit/", may: ["src/lib/"] },
  practiceEnvironment: { at: "practice/environment/", may: ["src/lib/", "src/embedded-postgres/", "practice/kit/"] },
  practiceTargets: {
    at: "practice/targets/",
    may: ["src/lib/", "src/embedded-postgres/", "practice/kit/", "practice/environment/"],
  },
  practiceSystems: {
    at: "practice/systems/",
    may: ["src/lib/", "src/embedded-postgres/", "practice/kit/", "practice/environment/", "practice/targets/"],
  },
};

const packages: Record<string, string[]> = {
  "@slack/": ["src/slack/", "src/sinks/slack/"],
  "@pagerduty/": ["src/sinks/pagerduty/"],
  "@kubernetes/": ["src/actions/kubernetes-client.ts"],
  "@aws-sdk/client-rds": ["src/actions/rds/"],
  "@aws-sdk/client-route-53": ["src/actions/route53/"],
  "@aws-sdk/client-route53-recovery-cluster": ["src/actions/arc/"],
  "@aws-sdk/client-s3": ["src/actions/s3/"],
  "@aws-sdk/client-cloudwatch": ["src/actions/aws-metrics.ts"],
  "@aws-sdk/client-sts": ["src/actions/aws.ts"],
  otpauth: ["src/mfa/", "practice/session/authenticator.ts", "practice/session/authenticators.ts"],
  pg: [
    "src/timeline/",
    "src/projection/",
    "src/actions/postgres/",
    "src/actions/patroni/",
    "src/actions/pgbouncer/",
    "practice/",
    "src/embedded-postgres/server.ts",
  ],
  ioredis: ["src/actions/redis/"],
  "embedded-postgres": ["src/embedded-postgres/binaries.ts"],
  "@embedded-postgres/": ["src/embedded-postgres/binaries.ts"],
  ws: ["practice/slack/"],
  preact: [],
  htm: [],
  fflate: ["src/lib/zip.ts"],
  pino: ["src/lib/log.ts"],
  "prom-client": ["src/metrics/"],
  liquidjs: ["src/lib/liquid.ts"],
  marked: ["src/report/page.ts"],
  nodemailer: ["src/sinks/mail/"],
  "smtp-server": ["practice/mail/"],
  "postal-mime": ["practice/mail/"],
  yaml: [
    "src/catalog/",
    "src/evidence/controls.ts",
    "practice/slack/manifest.ts",
    "src/slack/manifest.ts",
    "src/actions/traefik/",
    "src/lib/kubernetes-yaml.ts",
    "src/telemetry/receivers.ts",
    "practice/targets/traefik/",
  ],
};

const root = projectRoot();
const files = ["src", "commands", "templates", "practice"].flatMap((top) =>
  readdirSync(join(root, top), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name))),
);

function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), "utf8");
  return [
    ...source.matchAll(
      /(?:^|\n)\s*(?:(?:import|export)\b[^;"']*?\bfrom|import)\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/g,
    ),
  ].map((match) => (match[1] ?? match[2]) as string);
}

function ours(file: string): string[] {
  return importsOf(file)
    .filter((name) => name.startsWith("."))
    .map((name) => relative(root, resolve(root, dirname(file), name)));
}

/** Our files that this one loads when it runs: imports of types are gone by then. */
function valuesFrom(file: string): string[] {
  const source = readFileSync(join(root, file), "utf8");
  return [...source.matchAll(/(?:^|\n)(?:import|export) (?!type )([^;"']*?)["'](\.[^"']+)["']/g)]
    .filter(([, what = ""]) => !/^\{(?:\s*type [^,}]+,?)+\s*\}/.test(what))
    .map(([, , name = ""]) => relative(root, resolve(root, dirname(file), name)));
}

describe("the import table", () => {
  for (const [name, room] of Object.entries(rooms)) {
    test(`${name} imports only itself and ${room.may.join(", ") || "nothing of ours"}`, () => {
      const strays = files
        .filter((file) => file.startsWith(room.at))
        .flatMap((file) => ours(file).map((to) => ({ file, to })))
        .filter(({ to }) => !to.startsWith(room.at) && !room.may.some((allowed) => to.startsWith(allowed)))
        .map(({ file, to }) => `${file} → ${to}`);
      expect(strays).toEqual([]);
    });
  }

  test("an action never imports a sibling target", () => {
    const target = (path: string) => /^src\/actions\/([^/]+)\//.exec(path)?.[1];
    const strays = files
      .filter((file) => target(file) !== undefined)
      .flatMap((file) => ours(file).map((to) => ({ file, to })))
      .filter(({ file, to }) => target(to) !== undefined && target(to) !== target(file) && target(file) !== "wrap")
      .map(({ file, to }) => `${file} → ${to}`);
    expect(strays).toEqual([]);
  });

  test("the kit of messages loads no message", () => {
    const strays = files
      .filter((file) => file.startsWith("templates/messages/kit/"))
      .flatMap((file) => valuesFrom(file).map((to) => ({ file, to })))
      .filter(({ to }) => to.startsWith("templates/messages/") && !to.startsWith("templates/messages/kit/"))
      .map(({ file, to }) => `${file} → ${to}`);
    expect(strays).toEqual([]);
  });

  test("no circle of imports is left once types are gone", () => {
    const to = new Map(files.map((file) => [file, valuesFrom(file)]));
    const left = new Set(files);
    // What imports nothing that is left can't be in a circle, nor can what is imported by nothing that is left.
    for (let before = -1; before !== left.size; ) {
      before = left.size;
      for (const file of left) if (!(to.get(file) ?? []).some((one) => left.has(one))) left.delete(file);
      const imported = new Set([...left].flatMap((file) => to.get(file) ?? []));
      for (const file of left) if (!imported.has(file)) left.delete(file);
    }
    expect([...left]).toEqual([]);
  });

  test("nothing of practice is imported by what runs in production", () => {
    const strays = files
      .filter((file) => !file.startsWith("practice/"))
      .flatMap((file) => ours(file).map((to) => ({ file, to })))
      .filter(({ to }) => to.startsWith("practice/"))
      .map(({ file, to }) => `${file} → ${to}`);
    expect(strays).toEqual([]);
  });

  test("every source file stands in a room", () => {
    const strays = files.filter(
      (file) =>
        !Object.values(rooms).some((room) => file.startsWith(room.at)) &&
        !/^src\/(main|cli|config|bot|aws-places|published-figures|command-context|health|people-in-events|reload|renamed-settings|secrets|script-host)\.ts$|^src\/(bot|cli|doctor)\/|^practice\/(session|cli)\//.test(
          file,
        ),
    );
    expect(strays).toEqual([]);
  });

  test.each(Object.entries(packages))("%s is imported only where it belongs", (name, places) => {
    const strays = files.filter(
      (file) =>
        !places.some((place) => file.startsWith(place)) &&
        importsOf(file).some((to) => to === name || to.startsWith(name.endsWith("/") ? name : `${name}/`)),
    );
    expect(strays).toEqual([]);
  });

  test("the timeline is followed by one loop, and by the engine for the runs it drives", () => {
    const following = files.filter(
      (file) => file.startsWith("src/") && /\btimeline\.follow\(/.test(readFileSync(join(root, file), "utf8")),
    );
    expect(following.toSorted()).toEqual(["src/engine/engine.ts", "src/projection/projector.ts"]);
  });

  test("the incident room reads no clock and no chance", () => {
    const impure = files
      .filter((file) => file.startsWith("src/incident/"))
      .filter((file) =>
        /\bDate\.now\(|new Date\(\)|Math\.random\(|process\./.test(readFileSync(join(root, file), "utf8")),
      );
    expect(impure).toEqual([]);
  });

  test("every file says what it is", () => {
    // A verb says it in its summary, a rule of lint on its page, and what is one line long in its name.
    const says = /\/\*\*|^ +summary: /m;
    const silent = files.filter((file) => {
      const source = readFileSync(join(root, file), "utf8");
      return !file.startsWith("src/catalog/rules/") && source.split("\n").length > 5 && !says.test(source);
    });
    expect(silent).toEqual([]);
  });

  test("no folder is a drawer", () => {
    const drawers = files.filter((file) => /\/(utils|common|services|helpers|types)\//.test(`/${file}`));
    expect(drawers).toEqual([]);
  });
});

/** What tests of more than one folder share stands in one place; here is what doesn't, and why. */
const shared: Readonly<Record<string, string>> = {
  "test/actions/haproxy/failure-cases.ts": "the suite of a target; test/live runs it against the real program",
  "test/actions/traefik/failure-cases.ts": "the suite of a target; test/live runs it against the real program",
  "test/wire/": "what test/support/held.ts is made of",
};

test("a fixture that tests of more than one folder use is in test/support", () => {
  const tests = readdirSync(join(root, "test"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
  const users = new Map<string, Set<string>>();
  for (const file of tests) {
    const folder = file.split("/").length > 2 ? (file.split("/")[1] as string) : ".";
    for (const to of ours(file)) users.set(to, (users.get(to) ?? new Set()).add(folder));
  }
  const strays = [...users]
    .filter(([file, folders]) => file.startsWith("test/") && !file.startsWith("test/support/") && folders.size > 1)
    .map(([file, folders]) => `${file} (${[...folders].join(", ")})`)
    .filter((says) => !Object.keys(shared).some((one) => says.startsWith(one)));
  expect(strays).toEqual([]);
});

test("a test called like a source it imports is at the mirrored path", () => {
  const strays = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
    // These are called by the danger, the story and the system they are about.
    .filter((file) => file.endsWith(".test.ts") && !/^(security|story|systems)\//.test(file))
    .flatMap((file) => {
      const name = basename(file).replace(".test.ts", ".ts");
      const tested = ours(join("test", file)).filter((to) => !to.startsWith("test/") && basename(to) === name);
      const mirrored = tested.some((to) => to.replace(/^(src|templates)\//, "") === join(dirname(file), name));
      return tested.length === 0 || mirrored ? [] : [`test/${file}: ${tested.join(", ")}`];
    });
  expect(strays).toEqual([]);
});
