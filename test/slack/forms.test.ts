import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Reply } from "../../src/command/command.ts";
import { updateForm } from "../../templates/messages/comms/update-form.ts";
import { actions, section } from "../../templates/messages/kit/blocks.ts";
import { choiceInput, momentInput, textInput } from "../../templates/messages/kit/form.ts";
import { asSuperuser, type TestServer, testServer } from "../support/postgres.ts";
import { calls, openSlackHarness, type SlackHarness, until } from "../support/slack-harness.ts";

let server: TestServer;
let harness: SlackHarness;
beforeAll(async () => {
  server = await testServer();
});
afterEach(() => harness.close());
afterAll(() => server.close());

const cass = () => harness.workspace.as("UCASS");

const form = (template: string, words: string) =>
  updateForm({
    incident: "inc-told",
    choices: [
      { value: "first", says: "First" },
      { value: "second", says: "Second" },
    ],
    template,
    fields: [
      { name: "impact", label: "Impact", describes: "What they notice", required: true, many: false, value: "" },
      { name: template, label: template, describes: "Only here", required: false, many: true, value: "" },
    ],
    destinations: [{ to: "e-mail: 2 addresses", why: null }],
    preview: { subject: "A subject", text: words },
    missing: [],
  });

describe("a form that is rendered again while it is open", () => {
  test("comes with everything that stands in it, keeps what was typed, and is sent as it is", async () => {
    harness = await openSlackHarness(server);
    harness.reply = ({ verb, form: given }) => {
      if (verb === "update" && given !== null) return { kind: "nothing" };
      return {
        kind: "form",
        form: form(given?.template ?? "first", `So: ${given?.["field-impact"] ?? "nothing yet"}`),
      };
    };
    await cass().slash("/dr update", "CGENERAL");
    const open = await cass().waitForView(({ blocks }) => JSON.stringify(blocks).includes("So: nothing yet"));
    await cass().choose(open, "update.preview:template", "second", {
      filled: { "field-impact": { "update.preview:field-impact": "No orders" } },
    });
    const anew = await cass().waitForView(({ blocks }) => JSON.stringify(blocks).includes("So: No orders"));
    expect(anew.id).toBe(open.id);
    expect(JSON.stringify(anew.blocks)).toContain("field-second");
    const changed = harness.asked.find(({ verb }) => verb === "update.preview");
    expect(changed).toMatchObject({
      form: { template: "second", "field-impact": "No orders", "field-first": "" },
      actionValue: "inc-told",
      canAskForm: true,
      place: { channel: "CGENERAL", thread: null },
    });
    await cass().submit(anew, { "field-impact": "No orders" });
    await until(() => harness.asked.some(({ verb, form: given }) => verb === "update" && given !== null));
    const sent = harness.asked.find(({ verb, form: given }) => verb === "update" && given !== null);
    expect(sent).toMatchObject({ form: { template: "second", "field-impact": "No orders" }, actionValue: "inc-told" });
    expect(calls(harness.workspace, "views.open")).toHaveLength(1);
    expect(calls(harness.workspace, "views.update")).toHaveLength(1);
  });

  test("is left alone when it was closed meanwhile", async () => {
    harness = await openSlackHarness(server);
    let answered = 0;
    harness.reply = async ({ verb }) => {
      if (verb === "update.preview") await cass().dismiss(await cass().waitForView());
      answered += 1;
      return { kind: "form", form: form("first", "words") };
    };
    await cass().slash("/dr update", "CGENERAL");
    const open = await cass().waitForView();
    await cass().click(open, "update.preview:refresh");
    await until(() => answered === 2);
    await until(async () => (await open_()) === 0);
    await cass().waitForNoView();
    // No one is told of a form they closed themselves.
    expect(
      calls(harness.workspace, "chat.postMessage").filter(({ sent }) => JSON.stringify(sent).includes("form")),
    ).toEqual([]);
  });
});

describe("who comes into an incident's channel", () => {
  test("is offered what they missed, when a person brings them and it is an incident's", async () => {
    harness = await openSlackHarness(server);
    await harness.declare("inc-late");
    await harness.show("inc-late", {
      channel: { name: "inc-late", topic: "", bookmarks: [], invite: ["UALEX"], pinned: [] },
    });
    await until(async () => (await harness.outbox.placeOf("inc-late")) !== null);
    const channel = (await harness.outbox.placeOf("inc-late")) as string;
    await until(() =>
      harness.workspace.snapshot().channels.some(({ id, members }) => id === channel && members.includes("UALEX")),
    );
    harness.reply = () => ({ kind: "private", message: { text: "What you missed", blocks: [] } });
    const alex = harness.workspace.as("UALEX");
    await alex.slash("/invite <@UVERA>", channel);
    const told = await harness.workspace.as("UVERA").waitForMessage(({ text }) => text === "What you missed");
    expect(told).toMatchObject({ only: "UVERA", channel });
    // Not Alex, whom the bot brought in; not a guest, who may do nothing; and not in other channels.
    await alex.slash("/invite <@UGIL>", channel);
    await until(async () => (await open_()) === 0);
    expect(harness.asked.map(({ verb, actionValue, caller }) => [verb, actionValue, caller.slackUser])).toEqual([
      ["catchup", "joined", "UVERA"],
    ]);
  });
});

/** How many deliveries are still to be answered. */
async function open_(): Promise<number> {
  const rows = await asSuperuser(harness.store.url, "select from lifeboat.inbox where done_at is null");
  return rows.length;
}

test("a long plan is paged through in one form, and sent from its last page as an approval", async () => {
  harness = await openSlackHarness(server);
  const page = (n: number) => ({
    kind: "form" as const,
    form: {
      callback: n === 3 ? "gate.approve" : "plan.steps",
      title: "All 61 steps",
      submit: n === 3 ? "Approve" : "",
      actionValue: `run-1/ask-1/${n}`,
      blocks: [
        section(`Page ${n} of 3`),
        actions({ label: "Next", verb: "plan.next", actionValue: `run-1/ask-1/${n}` }),
      ],
    },
  });
  harness.reply = ({ verb, actionValue, form: given }) => {
    if (verb === "gate.approve" && given !== null) return { kind: "nothing" };
    return page(verb === "plan.next" ? Number(actionValue?.split("/")[2]) + 1 : 1);
  };
  await cass().slash("/dr steps", "CGENERAL");
  for (const n of [1, 2]) {
    const open = await cass().waitForView(({ blocks }) => JSON.stringify(blocks).includes(`Page ${n} of 3`));
    expect(open.submit ?? null).toBeNull();
    await cass().click(open, "plan.next");
  }
  const last = await cass().waitForView(({ callback_id: id }) => id === "gate.approve");
  await cass().submit(last, {});
  await until(() => harness.asked.some(({ verb, form: given }) => verb === "gate.approve" && given !== null));
  expect(harness.asked.at(-1)).toMatchObject({ verb: "gate.approve", form: {}, actionValue: "run-1/ask-1/3" });
});

describe("a form that is refused", () => {
  const asked: Reply = {
    kind: "form",
    form: {
      callback: "note",
      title: "Add to the timeline",
      submit: "Add note",
      actionValue: "inc-1",
      blocks: [
        section("On the timeline"),
        textInput("text", "What happened", { many: true }),
        momentInput("at", "When it happened", { optional: true }),
        choiceInput(
          "kind",
          "Kind",
          ["seen", "done"].map((value) => ({ value, says: value })),
        ),
        textInput("code", "Code"),
      ],
    },
  };
  const filled = { text: "The primary is gone\nand its standby", at: 1_764_000_000, kind: "done", code: "123456" };
  const initials = (view: { blocks: readonly Record<string, unknown>[] }) =>
    Object.fromEntries(
      view.blocks.flatMap(({ block_id, element }) => {
        const { initial_value, initial_date_time, initial_option } = (element ?? {}) as Record<string, unknown>;
        const initial = initial_value ?? initial_date_time ?? (initial_option as { value: string } | undefined)?.value;
        return element === undefined ? [] : [[block_id, initial]];
      }),
    );

  test("for what can be seen at once stays open with errors at its fields, and asks nothing", async () => {
    harness = await openSlackHarness(server);
    harness.reply = ({ form: given }) => (given === null ? asked : { kind: "nothing" });
    let right = false;
    const seen: unknown[] = [];
    harness.checkForm = (sent, required) => {
      seen.push([sent, required]);
      return right ? {} : { text: "It says nothing.", "not-a-field": "Slack takes no error for this." };
    };
    await cass().slash("/dr note", "CGENERAL");
    const open = await cass().waitForView();
    expect(await cass().submit(open, filled)).toMatchObject({
      error: "form_errors",
      errors: { text: "It says nothing." },
    });
    expect(harness.workspace.snapshot().modals.UCASS).toHaveLength(1);
    const form = { ...filled, at: "1764000000" };
    expect(seen).toEqual([[{ verb: "note", actionValue: "inc-1", form }, ["text", "kind", "code"]]]);
    expect(harness.asked).toHaveLength(1);
    right = true;
    expect(await cass().submit(open, filled)).toMatchObject({ ok: true });
    await until(() => harness.asked.length === 2);
    expect(harness.asked[1]).toMatchObject({ form, actionValue: "inc-1" });
  });

  test("for what only the store knows is shown again, with all that was typed but codes, until it is right", async () => {
    harness = await openSlackHarness(server);
    let refusals = 2;
    harness.reply = ({ form: given }) => {
      if (given === null) return asked;
      if (refusals-- === 0) return { kind: "nothing" };
      return { kind: "private", message: { text: "No", blocks: [section(`No, ${refusals} left`)] }, refused: true };
    };
    await cass().slash("/dr note", "CGENERAL");
    let open = await cass().waitForView();
    for (const left of [1, 0]) {
      await cass().submit(open, filled);
      open = await cass().waitForView(({ blocks }) => JSON.stringify(blocks).includes(`No, ${left} left`));
      expect(JSON.stringify(open.blocks).match(/left/g)).toHaveLength(1);
      expect(initials(open)).toEqual({ ...filled, code: undefined });
      expect(open).toMatchObject({ callback_id: "note", title: { text: "Add to the timeline" } });
    }
    await cass().submit(open, { code: "654321" });
    await until(() => harness.asked.length === 4);
    expect(harness.asked[3]).toMatchObject({ form: { text: filled.text, code: "654321" }, actionValue: "inc-1" });
    expect(new Set(harness.asked.map(({ key }) => key)).size).toBe(4);
    await cass().waitForNoView();
  });

  test("where the refusal has a way on, the form shown again takes it, with what was typed", async () => {
    harness = await openSlackHarness(server);
    harness.reply = ({ form: given, verb }) => {
      if (given === null) return asked;
      if (verb === "note.anyway") return { kind: "nothing" };
      const message = {
        text: "Not yet",
        blocks: [section("Not yet"), actions({ label: "Anyway", verb: "note.anyway", actionValue: "inc-1" })],
      };
      const fields = [textInput("why", "Why anyway?")];
      return { kind: "private", message, refused: true, instead: { verb: "note.anyway", label: "Anyway", fields } };
    };
    await cass().slash("/dr note", "CGENERAL");
    await cass().submit(await cass().waitForView(), filled);
    const open = await cass().waitForView(({ callback_id }) => callback_id === "note.anyway");
    expect(open).toMatchObject({ submit: { text: "Anyway" } });
    expect(initials(open)).toMatchObject({ text: filled.text });
    await cass().submit(open, { code: "654321", why: "The provider is gone" });
    await until(() => harness.asked.length === 3);
    expect(harness.asked[2]).toMatchObject({
      ...{ verb: "note.anyway", actionValue: "inc-1" },
      form: { text: filled.text, why: "The provider is gone" },
    });
    await cass().waitForNoView();
  });

  test("a button of the refusal that would take the form's place waits behind it", async () => {
    harness = await openSlackHarness(server);
    const message = {
      text: "No code",
      blocks: [section("No code"), actions({ label: "Set up authenticator", verb: "enroll", actionValue: "" })],
    };
    harness.reply = ({ form: given }) => (given === null ? asked : { kind: "private", message, refused: true });
    await cass().slash("/dr note", "CGENERAL");
    await cass().submit(await cass().waitForView(), filled);
    await cass().waitForView(({ blocks }) => JSON.stringify(blocks).includes("No code"));
    const told = await cass().waitForMessage(({ text }) => text === "No code");
    expect(JSON.stringify(told.blocks)).toContain("Set up authenticator");
  });

  test("too late to be shown again is said, with what was typed", async () => {
    harness = await openSlackHarness(server);
    harness.reply = async ({ form: given }) => {
      if (given === null) return asked;
      await new Promise((resolve) => setTimeout(resolve, 3200));
      return { kind: "private", message: { text: "No", blocks: [section("No")] }, refused: true };
    };
    await cass().slash("/dr note", "CGENERAL");
    await cass().submit(await cass().waitForView(), filled);
    const told = await cass().waitForMessage(({ text }) => text.startsWith("No\n"), 15_000);
    expect(told.text).toContain("> The primary is gone\n> and its standby");
    expect(JSON.stringify(told.blocks)).toContain("and its standby");
    expect(JSON.stringify(told)).not.toContain("123456");
  });
});
