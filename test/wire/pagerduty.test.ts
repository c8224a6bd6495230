import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createPager, type Pager } from "../../practice/pagerduty/index.ts";
import { createPagerDuty } from "../../src/sinks/pagerduty/client.ts";
import { soon } from "../support/database-fixture.ts";
import { quiet } from "../support/postgres.ts";
import { type Answer, type Exchange, record } from "./exchange.ts";
import { inspectPagerDuty } from "./pagerduty.ts";

/** The negative control of what holds PagerDuty's wire: real exchanges of which nothing is to be said, and the same with one thing wrong. */
const seen = new Map<string, Exchange>();
const webhooks: Exchange[] = [];
let pager: Pager;
let stop: () => void;
const hook = createServer((request, response) => void request.resume().on("end", () => response.end()));

beforeAll(async () => {
  stop = record((exchange) => {
    const call = inspectPagerDuty(exchange)?.call;
    if (call === "webhook") webhooks.push(exchange);
    // Webhooks may overtake each other: the one kept is known by what it tells.
    if (call === undefined || (call === "webhook" && !exchange.body.includes("incident.triggered"))) return;
    seen.set(call, exchange);
  });
  pager = await createPager({ log: quiet });
  await new Promise<void>((open) => hook.listen(0, "127.0.0.1", open));
  pager.subscribe(`http://127.0.0.1:${(hook.address() as AddressInfo).port}/`);
  const { PAGERDUTY_TOKEN: token, PAGERDUTY_ROUTING_KEY: routingKey } = pager.environment();
  const about = { apiUrl: pager.url, eventsUrl: pager.url, from: "lifeboat@practice.invalid", service: "PORDERS" };
  const pd = createPagerDuty({ ...about, token, routingKey });
  await pd.onCall("PCOMMAND");
  await pd.open("key", { title: "Decide", details: "…", to: { policy: "PCOMMAND" } });
  const id = (await pd.find("key"))?.id ?? "";
  await pd.note(id, "Done.");
  await pd.notes(id);
  await pd.escalate(id, { users: ["PALEX"] });
  await pd.incident(id);
  await pd.trigger("alarm", { summary: "Down", source: "lifeboat", severity: "critical", details: "…" });
  const [incident] = pager.incidents;
  pager.acknowledge(incident?.id ?? "", "PALEX");
  pager.resolve(incident?.id ?? "", "PALEX");
  await soon("the exchanges", async () => seen.size === 9 && webhooks.length === 6);
}, 60_000);
afterAll(async () => {
  stop();
  await pager.close();
  hook.closeAllConnections();
  await new Promise((closed) => hook.close(closed));
});

test("nothing is said of what is right", () => {
  expect([...seen].map(([call, exchange]) => [call, inspectPagerDuty(exchange)?.findings])).toEqual(
    [...seen.keys()].map((call) => [call, []]),
  );
});

test("every kind of webhook is as PagerDuty documents it", () => {
  const kinds = webhooks.map(
    ({ body }) => (JSON.parse(body.toString()) as { event: { event_type: string } }).event.event_type,
  );
  const expected = ["triggered", "annotated", "reassigned", "triggered", "acknowledged", "resolved"];
  expect(kinds.sort()).toEqual(expected.map((one) => `incident.${one}`).sort());
  expect(webhooks.flatMap((one) => inspectPagerDuty(one)?.findings ?? ["none"])).toEqual([]);
});

describe("what is wrong in a request is found", () => {
  test.each<[string, string, (exchange: Exchange) => Exchange, string]>([
    ["a parameter nobody knows", "onCall", asked("earliest", "soonest"), "soonest"],
    ["a page that is no number", "onCall", asked("limit=100", "limit=all"), "limit"],
    ["a way to sort that is none", "list", asked("created_at%3Adesc", "colour"), "sort_by"],
    ["a path nobody knows", "get", asked("/incidents/", "/incident/"), "there is no such call"],
    ["a field nobody knows", "create", sent('"urgency"', '"colour"'), "colour"],
    ["a value of no enumeration", "create", sent('"high"', '"very high"'), "incident.urgency"],
    ["a reference of another kind", "create", sent('"service_reference"', '"service"'), "incident.service.type"],
    ["a title left out", "create", sent(/"title":"[^"]*",/, ""), "incident.title"],
    ["an update that isn't one", "update", sent('"incident_reference"', '"reference"'), "incident.type"],
    ["an empty note", "note", sent('"Done."', '""'), "note.content"],
    ["an event without a severity", "event", sent('"severity":"critical",', ""), "payload.severity"],
    ["an event without its payload", "event", sent('"payload"', '"load"'), "a trigger needs a payload"],
    ["a request in nobody's name", "create", headed({ from: "" }), "From names nobody"],
    ["another version of the API", "list", headed({ accept: "application/json" }), "Accept names no version"],
    ["a webhook without a signature", "webhook", headed({ "x-pagerduty-signature": "yes" }), "no such signature"],
    ["a webhook nobody knows", "webhook", sent(/incident\.\w+"/, 'incident.painted"'), "event_type"],
    ["a webhook as the REST API writes it", "webhook", sent('"number"', '"incident_number"'), "incident_number"],
  ])("%s", (_what, call, damage, finding) => {
    expect(inspectPagerDuty(damage(of(call)))?.findings.join("\n")).toContain(finding);
  });
});

describe("what is wrong in an answer of the stand-in is found", () => {
  test.each<[string, string, (answer: Answer) => Answer, string]>([
    ["an invented field", "get", said('"urgency"', '"colour":"red","urgency"'), "colour"],
    ["a field that is always there", "get", said(/"alert_counts":\{[^}]*\},/, ""), "alert_counts"],
    [
      "a reference without its summary",
      "list",
      said(/"summary":"Lifeboat|"summary":"Practice orders",/, ""),
      "summary",
    ],
    ["a time that is none", "list", said(/"created_at":"[^"]+"/, '"created_at":"today"'), "created_at"],
    ["a list without its page", "onCall", said('"more":false,', ""), "more"],
    ["another status", "note", (answer) => ({ ...answer, status: 201 }), "201 is not 200"],
    ["a refusal of another shape", "get", (answer) => ({ ...answer, status: 404 }), "refusal"],
    ["a limit without a word of when", "get", (answer) => ({ ...answer, status: 429 }), "without ratelimit-reset"],
    ["an event that isn't confirmed", "event", said("Event processed", "Done"), "message"],
    [
      "a resolved incident somebody has",
      "get",
      said('"status":"triggered"', '"status":"resolved"'),
      "once it is resolved",
    ],
  ])("%s", (_what, call, damage, finding) => {
    const exchange = of(call);
    const answer = damage(exchange.answer as Answer);
    expect(inspectPagerDuty({ ...exchange, answer })?.findings.join("\n")).toContain(finding);
  });
});

function of(call: string): Exchange {
  const found = seen.get(call);
  if (!found) throw new Error(`${call} was not met: ${[...seen.keys()].join(", ")}`);
  return found;
}

function replaced(before: string, from: string | RegExp, to: string): string {
  const after = before.replace(from, to);
  if (after === before) throw new Error(`${String(from)} is not in ${before}`);
  return after;
}

function sent(from: string | RegExp, to: string) {
  return (exchange: Exchange): Exchange => ({
    ...exchange,
    body: Buffer.from(replaced(exchange.body.toString(), from, to)),
  });
}

function said(from: string | RegExp, to: string) {
  return (answer: Answer): Answer => ({ ...answer, body: Buffer.from(replaced(answer.body.toString(), from, to)) });
}

function asked(from: string, to: string) {
  return (exchange: Exchange): Exchange => ({ ...exchange, url: replaced(exchange.url, from, to) });
}

function headed(more: Record<string, string>) {
  return (exchange: Exchange): Exchange => ({ ...exchange, headers: { ...exchange.headers, ...more } });
}
