import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Authenticator } from "../../practice/session/authenticator.ts";
import type { View } from "../../practice/slack/index.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { RecordKeys } from "../../src/timeline/keys.ts";
import { built } from "../support/built.ts";
import { type Canary, leaks, type Surface } from "../support/canaries.ts";
import { until } from "../support/postgres.ts";
import { answerTo, buttonOf, isQuestion, newFrom } from "./approval-requests.ts";
import { openPracticeHarness, type PracticeHarness } from "./harness.ts";

/**
 * A secret of its own in every place a whole bot has one, a failover in which much goes wrong, and a search of everything that came out of
 * it: for the secrets as they are, pieces of them, and what they look like encoded.
 */

/** Characters that each encoding writes in another way. */
const odd = () => `${randomBytes(9).toString("base64url")}"/+é&=\\%${randomBytes(9).toString("base64url")}`;
const plain = () => randomBytes(18).toString("base64url");
const key = () => randomBytes(32).toString("base64");

describe("the search itself", () => {
  const value = odd();
  const writings: Readonly<Record<string, string>> = {
    plain: value,
    json: JSON.stringify({ a: value }),
    "json in json": JSON.stringify(JSON.stringify({ a: value })),
    url: encodeURIComponent(value),
    form: new URLSearchParams({ a: value }).toString(),
    hex: Buffer.from(value).toString("hex"),
    "hex within digits": `0${Buffer.from(value).toString("hex")}`,
    base64: Buffer.from(value).toString("base64"),
    "base64 within another": Buffer.from(`user:${value} more`).toString("base64"),
    base64url: Buffer.from(`ab${value}`).toString("base64url"),
    "half of it": value.slice(4, 17),
    "broken into lines": (value.match(/.{1,5}/gs) ?? []).join("\n"),
  };
  test.each(Object.entries(writings))("finds %s", (_, text) => {
    const surface = { name: "somewhere", text: `before ${text} after` };
    expect(leaks([surface], [{ name: "it", value }])).toHaveLength(1);
    expect(leaks([surface], [{ name: "another", value: odd() }])).toEqual([]);
  });
});

interface Outside {
  readonly url: string;
  readonly bodies: string[];
  close(): Promise<unknown>;
}

/** Takes what is posted; its first answers are failures that quote the whole request, headers too. */
async function outside(failures: number): Promise<Outside> {
  const bodies: string[] = [];
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      bodies.push(Buffer.concat(parts).toString());
      response.writeHead(bodies.length > failures ? 204 : 500);
      response.end(bodies.length > failures ? "" : JSON.stringify({ error: "bad request", headers: request.headers }));
    });
  });
  await new Promise<void>((open) => server.listen(0, "127.0.0.1", open));
  const close = () => new Promise((closed) => server.close(closed));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies, close };
}

describe("a whole bot, with a secret in every place that can hold one", () => {
  let harness: PracticeHarness;
  let folder: string;
  let receiver: Outside;
  let collector: Outside;
  /** Of the bot, and of the command line beside it. */
  let environment: Readonly<Record<string, string>>;
  let started: Readonly<Record<string, string>>;
  const canaries: Canary[] = [];
  const surfaces: Surface[] = [];
  const plant = (name: string, value: string) => {
    canaries.push({ name, value });
    return value;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-canaries-"));
    [receiver, collector] = await Promise.all([outside(1), outside(1)]);
    harness = await openPracticeHarness();
    await writeFile(
      join(folder, "webhooks.yml"),
      `- name: siem\n  url: ${receiver.url}/hook/${plant("path of a webhook", plain())}\n  secretFrom: SIEM_SECRET\n`,
    );
    const given = harness.bot.environment;
    const own = new URL(harness.store.url ?? "");
    const mail = new URL(given.SMTP_URL ?? "");
    Object.assign(mail, { username: "shop", password: encodeURIComponent(plant("SMTP_URL", odd())) });
    // The keys practice made for itself, given as settings, as in production.
    const keys = JSON.parse(await readFile(join(harness.dataFolder, "record-keys.json"), "utf8")) as RecordKeys;
    const mine: Record<string, string> = {
      LIFEBOAT_EVENT_KEYS: keys.events.join(),
      LIFEBOAT_SIGNING_KEY: keys.signing ?? "",
      DATABASE_URL: own.href,
      DATABASE_OWNER_URL: own.href,
      SMTP_URL: mail.href,
      SIEM_SECRET: plant("SIEM_SECRET", plain()),
      LIFEBOAT_WEBHOOKS: join(folder, "webhooks.yml"),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${plant("OTEL_EXPORTER_OTLP_HEADERS", plain())}`,
      LIFEBOAT_SECRET_KEY: [key(), given.LIFEBOAT_SECRET_KEY ?? ""].join(),
      LIFEBOAT_ALERTMANAGER_SECRETS: [plain(), plain()].join(),
      LIFEBOAT_GRAFANA_SECRETS: plain(),
      SCRIPT_SECRET: plant("SCRIPT_SECRET", odd()),
      AWS_SECRET_ACCESS_KEY: plant("AWS_SECRET_ACCESS_KEY", plain()),
      AWS_SESSION_TOKEN: plant("AWS_SESSION_TOKEN", plain()),
      LOG_LEVEL: "trace",
      PRACTICE_ROLE: "canaries",
    };
    plant("DATABASE_URL", decodeURIComponent(own.password));
    for (const [name, value] of Object.entries({ ...given, ...mine }))
      if (/TOKEN|KEYS?$|SECRETS?|PASSWORD/.test(name) && !canaries.some((one) => value.includes(one.value)))
        for (const one of value.split(",")) plant(name, one);
    started = await harness.catalog(tellingScript, mine);
    environment = { ...given, ...started };
  }, 180_000);
  afterAll(async () => {
    await harness?.stop();
    await Promise.all([receiver?.close(), collector?.close()]);
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  /** A script that fails the first time, and says what it was given in every writing there is. */
  async function tellingScript(practice: string): Promise<void> {
    const system = join(practice, "system.yml");
    const script = join(practice, "scripts", "repoint.mjs");
    const marker = join(folder, "failed-once");
    await writeFile(
      system,
      (await readFile(system, "utf8")).replace(
        "file: scripts/repoint.mjs",
        "file: scripts/repoint.mjs\n    environment: [SCRIPT_SECRET]",
      ),
    );
    const says = `import { existsSync, writeFileSync } from "node:fs";
const given = process.env.SCRIPT_SECRET ?? "none";
const all = JSON.stringify(process.env);
for (const text of [given, JSON.stringify(given), encodeURIComponent(given)]) { console.log(text); console.error(text); }
for (const how of ["base64", "base64url", "hex"]) console.log(Buffer.from(given).toString(how), Buffer.from("x" + all).toString(how));
console.log(all);
if (!existsSync(${JSON.stringify(marker)})) { writeFileSync(${JSON.stringify(marker)}, ""); console.error("It failed with " + given); process.exit(3); }
`;
    await writeFile(script, `${says}${await readFile(script, "utf8")}`);
  }

  test("nothing of it is in what came out, after a failover in which much failed", async () => {
    const secret = canaries.find(({ name }) => name === "ORDERS_DB_PASSWORD")?.value ?? "";
    const [alex, sam] = [harness.workspace.as("UALEX"), harness.workspace.as("USAM")];
    const seed = await enrolled();
    plant("an authenticator's seed", seed);
    await harness.readers.injectFault("smtp-busy");
    harness.pager.injectFault("fail");
    const isNew = newFrom(harness);
    await harness.environment.injectFault("kill-primary");
    await alex.slash("/dr failover database --unplanned");
    const question = await sam.waitForMessage((m) => isNew(m) && isQuestion(m), 60_000);
    // What a person pastes who is tired.
    await alex.slash(
      `/dr note the password is ${secret}, in base64 ${Buffer.from(secret).toString("base64")}`,
      question.channel,
    );
    await sam.click(question, "gate.approve", { confirm: true });
    const failed = await sam.waitForMessage((m) => isNew(m) && buttonOf(m, "step.retry") !== undefined, 60_000);
    harness.workspace.faults("unavailable", { seconds: 1 });
    await harness.bot.kill();
    await harness.bot.start(60, started);
    await cutConnections();
    harness.pager.injectFault("fail", false);
    await sam.click(failed, "step.retry:repoint.1");
    const end = await sam.waitForMessage((m) => isNew(m) && /is done and verified/.test(m.text), 90_000);
    await harness.readers.injectFault("calm");
    await tellCustomers(end.channel);
    await sam.slash("/dr resolve --anyway Orders are taken again", end.channel);
    await sam.slash("/dr postmortem", end.channel);
    await sam.waitForMessage((m) => isNew(m) && (m.files ?? []).length > 0, 30_000);
    await until(() => receiver.bodies.length > 10, 60);
    await until(() => collector.bodies.length > 1, 120);
    await until(() => harness.readers.mails.length > 0, 120);
    await collect();

    expect(canaries.map(({ name }) => name)).toEqual(expect.arrayContaining(PLANTED));
    for (const { name, text } of surfaces) expect([name, text.length > 40]).toEqual([name, true]);
    expect(leaks(surfaces, canaries)).toEqual([]);
    // It was there to be found: what the bot does with a secret is said where one stood.
    expect(surfaces.find(({ name }) => name === "store")?.text).toContain("[secret]");
  }, 300_000);

  async function enrolled(): Promise<string> {
    const sam = harness.workspace.as("USAM");
    await sam.slash("/dr enroll");
    const form = await sam.waitForView(({ callback_id: id }: View) => id === "enroll", 15_000);
    const seed = /`((?:[A-Z2-7]{4} ?)+)`/.exec(JSON.stringify(form.blocks))?.[1] ?? "";
    const code = await new Authenticator(seed.replaceAll(" ", "")).code();
    expect(await answerTo(harness, "USAM", () => sam.submit(form, { code }))).toContain("Your authenticator is set up");
    return seed.replaceAll(" ", "");
  }

  async function cutConnections(): Promise<void> {
    await harness.store.pool
      .query(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
      )
      .catch(() => {});
  }

  async function tellCustomers(channel: string): Promise<void> {
    const cass = harness.workspace.as("UCASS");
    await cass.slash("/dr update --template customers-initial", channel);
    const form = await cass.waitForView(({ callback_id }) => callback_id === "update", 15_000);
    await cass.submit(form, { "field-impact": "Orders took a while." });
  }

  /** Everything that came out, by where it is read. */
  async function collect(): Promise<void> {
    const add = (name: string, text: string) => void surfaces.push({ name, text });
    add("log", await readFile(join(harness.folder, "bot.log"), "utf8"));
    add("metrics", await (await fetch(`http://127.0.0.1:${environment.LIFEBOAT_INTERNAL_LISTEN}/metrics`)).text());
    add("webhooks", receiver.bodies.join("\n"));
    add("traces", collector.bodies.join("\n"));
    // The form of who enrolls shows the seed, once, to them alone: it is the one place.
    const enroll = (entry: unknown) =>
      /"callback_id":"enroll"|\bviews\.(?:open|update|push)/.test(JSON.stringify(entry));
    const sent = harness.workspace.inspected.filter(({ kind, name, sent }) => kind === "call" && !enroll([name, sent]));
    add("calls of Slack", JSON.stringify(sent.map(({ name, sent }) => [name, sent])));
    const { modals, ...seen } = harness.workspace.snapshot();
    add("Slack", JSON.stringify(seen));
    add("modals", JSON.stringify(modals).padEnd(50));
    add("mails", JSON.stringify(harness.readers.mails));
    // What goes to PagerDuty carries the key of its service; nothing else does.
    add("pager", JSON.stringify([harness.pager.incidents, harness.pager.ledger]).replace(/"routing_key":"[^"]*"/g, ""));
    const tables = await harness.store.pool.query<{ name: string }>(
      "select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
    );
    const rows = [];
    for (const { name } of tables.rows)
      rows.push(
        name,
        ...(await harness.store.pool.query(`select to_jsonb(t)::text as row from ${name} t`)).rows.map(
          ({ row }) => row,
        ),
      );
    add("store", rows.join("\n"));
    add("status page", await readFile(join(harness.dataFolder, "status-page", "index.html"), "utf8"));
    const pack = join(folder, "pack");
    add(
      "evidence",
      (await lifeboat("evidence", "export", "--from", "2020-01-01", "--out", pack)) + (await filesIn(pack)),
    );
    add("doctor", await lifeboat("doctor", "--json"));
    add("timeline", await lifeboat("dr", "timeline", "--last", "200", "--incident", await newest()));
    add("status", await lifeboat("dr", "status"));
    add("refused login", await lifeboat("dr", "--as", "sam-okafor", "--code", "123456", "approve"));
    add("mcp", await overMcp());
    add(
      "settings that are wrong",
      await lifeboat("doctor", {
        SLACK_BOT_TOKEN: "wrong",
        DATABASE_URL: `${environment.DATABASE_URL}%zz`,
        LIFEBOAT_SECRET_KEY: "x",
      }),
    );
    add(
      "a store that is away",
      await lifeboat("verify", { DATABASE_URL: (environment.DATABASE_URL ?? "").replace(/:\d+\//, ":1/") }),
    );
  }

  async function newest(): Promise<string> {
    return (await harness.store.timeline.streams("inc-", 1))[0]?.id ?? "";
  }

  async function lifeboat(...given: (string | Record<string, string>)[]): Promise<string> {
    const args = given.filter((one) => typeof one === "string") as string[];
    const more = given.find((one) => typeof one === "object") as Record<string, string> | undefined;
    const options = { env: { ...environment, ...more, NODE_OPTIONS: "" }, cwd: projectRoot(), maxBuffer: 1e8 };
    const ended = await promisify(execFile)(process.execPath, [await built("src/cli.ts"), ...args], options).catch(
      (error: { stdout: string; stderr: string }) => error,
    );
    return `$ lifeboat ${args.join(" ")}\n${ended.stdout}${ended.stderr}`.padEnd(50);
  }

  async function overMcp(): Promise<string> {
    const child = spawn(process.execPath, [await built("src/cli.ts"), "mcp"], { env: environment, stdio: "pipe" });
    let said = "";
    child.stdout.on("data", (part) => (said += part));
    child.stderr.on("data", (part) => (said += part));
    const incident = await newest();
    const call = (id: number, method: string, params: object) =>
      child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    call(1, "initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } });
    await until(() => said.includes('"id":1'), 20);
    call(2, "tools/call", { name: "timeline", arguments: { incident } });
    call(3, "tools/call", { name: "status", arguments: { incident } });
    call(4, "tools/call", { name: "dry_run", arguments: { runbook: "practice/database-check" } });
    await until(() => [2, 3, 4].every((id) => said.includes(`"id":${id}`)), 30);
    child.stdin.end();
    return said;
  }

  async function filesIn(path: string): Promise<string> {
    const files = await readdir(path, { recursive: true, withFileTypes: true });
    const texts = files.filter((one) => one.isFile()).map((one) => readFile(join(one.parentPath, one.name), "utf8"));
    return (await Promise.all(texts)).join("\n");
  }
});

/** Each has to be planted, or nothing was shown. */
const PLANTED = [
  ...["DATABASE_URL", "SMTP_URL", "SIEM_SECRET", "OTEL_EXPORTER_OTLP_HEADERS", "SCRIPT_SECRET", "LIFEBOAT_SECRET_KEY"],
  ...["LIFEBOAT_EVENT_KEYS", "LIFEBOAT_SIGNING_KEY", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ORDERS_DB_PASSWORD"],
  ...["ORDERS_APP_PASSWORD", "PAGERDUTY_TOKEN", "PAGERDUTY_ROUTING_KEY", "PAGERDUTY_WEBHOOK_SECRETS"],
  ...["STATUSPAGE_API_KEY", "LIFEBOAT_ALERT_SECRETS", "LIFEBOAT_ALERTMANAGER_SECRETS", "an authenticator's seed"],
];
