import { readFileSync } from "node:fs";
import { expect, jest, test } from "@jest/globals";
import { parse } from "yaml";
import { truncateForm, truncateMessage } from "../../src/sinks/slack/truncate.ts";
import { httpManifest } from "../../src/slack/manifest.ts";
import * as approvalForms from "../../templates/messages/approval/forms.ts";
import * as incidentForms from "../../templates/messages/incident/forms.ts";
import { reasonForm } from "../../templates/messages/kit/form.ts";
import * as runForms from "../../templates/messages/run/forms.ts";

const forms = { ...incidentForms, ...runForms, ...approvalForms, reasonForm };

import { actions, section } from "../../templates/messages/kit/blocks.ts";
import type { Form } from "../../templates/messages/kit/message.ts";
import { renderIncident } from "../../templates/messages/render.ts";
import { inputsForm } from "../../templates/messages/run/inputs.ts";
import { describeWith } from "../support/describe-with.ts";
import * as scenarios from "../support/incident-states.ts";
import { orders } from "../support/orders-system.ts";
import { RecordedIncident } from "../support/recorded-incident.ts";
import { around } from "../support/surroundings.ts";
import {
  bySlackSdk,
  bySlackTypes,
  manifestByTypes,
  type Payload,
  PYTHON,
  type Verdicts,
} from "./payloads/validators.ts";

/**
 * What the bot shows in Slack, by validators no one here wrote. What the whole suite's conversations show is recorded and
 * checked by `payloads/check.ts`, in `.ci/run`.
 */
const describe = await describeWith([PYTHON], ["python3-venv, and the packages of .ci/peers.txt (see .ci/run)"]);

const runbook = {
  title: "Restore to a moment",
  inputs: [
    { name: "to", type: "moment", description: "The last moment that was right", default: null },
    { name: "count", type: "number", description: "How many", default: 3, min: 1, max: 9 },
    { name: "node", type: "text", description: "Which node", default: null, example: "worker-3", pattern: "[a-z-]+" },
    { name: "service", type: "choice", description: "Which service", default: null, choices: ["api", "web"] },
    { name: "force", type: "boolean", description: "Whether to force it", default: false },
  ].map((input) => ({ ...{ example: null, pattern: null, min: null, max: null, choices: [] }, ...input })),
} as unknown as Parameters<typeof inputsForm>[0];

const everyForm: Readonly<Record<string, Form>> = {
  declare: forms.declareForm([orders], ""),
  failover: forms.failoverForm([{ system: "orders", id: "database-failover", title: "Fail over the database" }]),
  reason: forms.reasonForm("run.abort", "Abort the run", "Abort", "run-1", "What it does"),
  note: forms.noteForm("inc-1", { text: "The primary is gone" }),
  confirm: forms.confirmForm("run-1/step", "Call the provider"),
  prove: forms.proveForm("gate.approve", "Approve", "Approve", "run-1/ask-1", ["What is decided"], "needed"),
  enroll: forms.enrollForm("ABCDEFGHIJKLMNOP", "otpauth://totp/Lifeboat:alex?secret=ABC&issuer=Lifeboat", true),
  role: forms.roleForm("inc-1", orders),
  delegate: forms.delegateForm("inc-1", orders.roles, orders.people),
  "delegate with a code": forms.delegateForm(
    "inc-1",
    orders.roles,
    orders.people,
    { role: orders.roles[0]?.id ?? "", to: orders.people[0]?.id ?? "", time: "90m", reason: "On a plane" },
    true,
  ),
  "sign off": forms.signOffForm("inc-1", "Orders are down", "All of it is complete"),
  question: forms.questionForm("run-1/ask-1", "What is asked"),
  answer: forms.answerForm("run-1/ask-1", "What about writes?"),
  review: forms.reviewForm("run-1", "What was passed over"),
  resolve: forms.resolveForm("inc-1"),
  inputs: inputsForm(runbook, new Map([["to", "2026-11-21T02:13:07Z"]]), "runbook restore"),
};

const stories = Object.values(scenarios).flatMap((tell) => {
  const told: unknown = typeof tell === "function" && tell.length === 0 ? (tell as () => unknown)() : null;
  return told instanceof RecordedIncident ? [told] : [];
});
const payloads: readonly Payload[] = [
  ...stories
    .flatMap((story) => renderIncident(story.state, around(story)).messages)
    .map(({ message }) => ({ surface: "message" as const, blocks: truncateMessage(message).blocks })),
  ...Object.values(everyForm).map((form) => ({ surface: "modal" as const, view: truncateForm(form, "carried") })),
];

/** Each is wrong in a way that one of the validators has to see. */
const wrong: readonly { readonly says: string; readonly by: "slack_sdk" | "both"; readonly payload: Payload }[] = [
  { says: "a block nobody has", by: "both", payload: { surface: "message", blocks: [{ type: "hologram" }] } },
  {
    ...{ says: "a property nobody has", by: "both" as const },
    payload: { surface: "message", blocks: [{ ...section("words"), glow: true }] },
  },
  {
    ...{ says: "a button without words", by: "both" as const },
    payload: { surface: "message", blocks: [{ type: "actions", elements: [{ type: "button", action_id: "a" }] }] },
  },
  {
    ...{ says: "words that are too long", by: "slack_sdk" as const },
    payload: { surface: "message", blocks: [section("x".repeat(3001))] },
  },
  {
    ...{ says: "more buttons than a row has", by: "slack_sdk" as const },
    payload: {
      surface: "message",
      blocks: [actions(...Array.from({ length: 26 }, (_, n) => ({ label: "Go", verb: `go:${n}`, actionValue: "x" })))],
    },
  },
];

// A compiler and an interpreter are started, and a busy machine gives them little.
jest.setTimeout(180_000);

describe("what the bot shows in Slack", () => {
  const takesAll = (said: Verdicts) =>
    expect(said.flatMap((faults, n) => (faults.length === 0 ? [] : [{ faults, payload: payloads[n] }]))).toEqual([]);

  test("is taken by slack_sdk's models", async () => {
    expect(payloads.length).toBeGreaterThan(100);
    takesAll(await bySlackSdk(payloads));
  });

  test("is taken by the types of @slack/types", async () => {
    takesAll(await bySlackTypes(payloads));
  });

  test("is refused by them where it is wrong", async () => {
    const cases = wrong.map(({ payload }) => payload);
    const [sdk, types] = await Promise.all([bySlackSdk(cases), bySlackTypes(cases)]);
    const refusing = wrong.map(({ says }, n) => ({ says, sdk: sdk[n]?.length !== 0, types: types[n]?.length !== 0 }));
    expect(refusing).toEqual(wrong.map(({ says, by }) => ({ says, sdk: true, types: by === "both" })));
  });

  test("and the manifests are taken by the types of @slack/web-api, which see what is wrong", async () => {
    const manifest = parse(readFileSync("manifest.yml", "utf8"));
    expect(await manifestByTypes(manifest)).toEqual([]);
    expect(await manifestByTypes(parse(httpManifest("https://lifeboat.example.com")))).toEqual([]);
    const settings = { ...manifest.settings, wings: true };
    expect(await manifestByTypes({ ...manifest, settings })).toEqual([expect.stringContaining("wings")]);
  });
});
