import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createWorkspace, type Workspace } from "../../../practice/slack/index.ts";
import { freePort } from "../../../src/lib/port.ts";
import { startBot } from "./fixtures/bot.ts";

// What these tests show is no bot of ours: it is not recorded for the validators.
delete process.env.LIFEBOAT_SLACK_RECORDING;

let workspace: Workspace;
let bot: Awaited<ReturnType<typeof startBot>>;

beforeAll(async () => {
  workspace = await createWorkspace();
  bot = await startBot(workspace);
});
afterAll(async () => {
  await bot.stop();
  await workspace.close();
});

describe("an unmodified Bolt app in the practice workspace", () => {
  test("hears a command, posts, is pressed, asks in a form, and edits what it posted", async () => {
    const [alex, sam] = [workspace.as("UALEX"), workspace.as("USAM")];
    expect(await alex.slash("/dr failover database")).toMatchObject({ ok: true });
    const asked = await sam.waitForMessage((one) => one.text === "failover database needs approval");
    expect(asked.metadata).toEqual({ event_type: "run", event_payload: { run: "run-1" } });
    await alex.waitForMessage((one) => one.text === "Asked the incident commander.");
    expect((await sam.messages()).some((one) => one.only)).toBe(false);

    expect(await sam.click(asked, "Approve")).toMatchObject({ ok: true });
    const form = await sam.waitForView();
    expect(await sam.submit(form)).toMatchObject({ errors: { name: "Please complete this required field." } });
    expect(await sam.submit(form, { name: "databse" })).toMatchObject({ errors: { name: "Type the word database." } });
    expect(await sam.submit(form, { name: "database" })).toMatchObject({ ok: true });
    await sam.waitForNoView();
    await alex.waitForMessage((one) => one.ts === asked.ts && one.text === "Approved by <@USAM>");
  });

  test("a confirm dialog is answered before anything is sent, and response_url replaces the message", async () => {
    const alex = workspace.as("UALEX");
    await alex.slash("/dr failover cache");
    const asked = await alex.waitForMessage((one) => one.text === "failover cache needs approval");
    await expect(alex.click(asked, "Deny")).rejects.toThrow("asks first: Deny?");
    const before = workspace.inspected.length;
    expect(await alex.click(asked, "Deny", { confirm: false })).toEqual({ ok: true });
    expect(workspace.inspected.length).toBe(before);
    await alex.click(asked, "deny", { confirm: true });
    await alex.waitForMessage((one) => one.ts === asked.ts && one.text === "Denied.");
    await expect(alex.click(asked, "Deny")).rejects.toThrow("There is nothing called “Deny” here");
  });

  test("a select's choice is heard, and answered in the thread", async () => {
    const alex = workspace.as("UALEX");
    await alex.slash("/dr failover region");
    const asked = await alex.waitForMessage((one) => one.text === "failover region needs approval");
    await alex.choose(asked, "region", "us-east-1");
    const answer = await alex.waitForMessage((one) => one.text === "Region is us-east-1.");
    expect(answer.thread_ts).toBe(asked.ts);
    expect(await alex.messages("CINCIDENT", asked.ts)).toHaveLength(2);
    expect((await alex.messages()).find((one) => one.ts === asked.ts)).toMatchObject({ reply_count: 1 });
    await expect(alex.choose(asked, "region", "mars")).rejects.toThrow("no_such_option");
  });

  test("Home, shortcuts, mentions and files", async () => {
    const vera = workspace.as("UVERA");
    expect((await vera.openHome()).blocks[0]).toMatchObject({ text: { text: "Nothing is on fire" } });

    await vera.shortcut("declare");
    const form = await vera.waitForView((view) => view.private_metadata === "shortcut");
    await vera.dismiss(form);
    await vera.waitForNoView();

    await vera.say("Hello @lifeboat & <friends>");
    const reply = await vera.waitForMessage((one) => one.text.startsWith("You said"));
    expect(reply.text).toBe("You said: Hello <@ULIFEBOAT> &amp; &lt;friends&gt;");
    const said = (await vera.messages()).find((one) => one.user === "UVERA");
    await vera.shortcut("declare", said);
    await vera.waitForView((view) => view.private_metadata === "message_action").then((view) => vera.dismiss(view));

    await vera.slash("/dr upload");
    const shared = await vera.waitForMessage((one) => one.files?.[0]?.name === "postmortem.md");
    const file = await fetch(shared.files?.[0]?.url_private as string);
    expect(file.headers.get("content-disposition")).toContain("attachment");
    expect(await file.text()).toBe("# What happened");
  });

  test("silence is told to the person after three seconds, as Slack tells it", async () => {
    const outcome = await workspace.as("UALEX").slash("/dr silence");
    expect(outcome).toEqual({
      ok: false,
      error: "operation_timeout",
      said: "/dr failed because the app did not respond. (operation_timeout)",
    });
  });

  test("the whole story reads as a chat", async () => {
    const fresh = await createWorkspace();
    const other = await startBot(fresh);
    try {
      const [alex, sam] = [fresh.as("UALEX"), fresh.as("USAM")];
      await alex.slash("/dr failover database");
      const asked = await sam.waitForMessage((one) => one.text.endsWith("needs approval"));
      await alex.waitForMessage((one) => one.text.startsWith("Asked"));
      await sam.say("On it, @alex.", "CINCIDENT", asked.ts);
      await sam.choose(asked, "region", "eu-west-1");
      await sam.waitForMessage((one) => one.text.startsWith("Region"));
      expect(fresh.conversation()).toBe(
        [
          "── #incident-response ── Something is down? Type /dr",
          "Lifeboat (only to Alex Rivera): Looking at failover database.",
          "Lifeboat: failover database needs approval",
          "  [Approve] [Deny] [Region]",
          "    Sam Okafor: On it, @Alex Rivera.",
          "    Lifeboat: Region is eu-west-1.",
          "Lifeboat (only to Alex Rivera): Asked the incident commander.",
          "",
        ].join("\n"),
      );
    } finally {
      await other.stop();
      await fresh.close();
    }
  });
});

describe("a bot that listens over HTTP", () => {
  test("gets the same, signed, at its request URL; a wrong secret reaches no one", async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/slack/events`;
    const good = await createWorkspace({ deliver: { url, signingSecret: "practice-secret" } });
    const listening = await startBot(good, { http: { port, signingSecret: "practice-secret" } });
    const wrong = await createWorkspace({ deliver: { url, signingSecret: "another" } });
    try {
      const alex = good.as("UALEX");
      expect(await alex.slash("/dr failover database")).toMatchObject({ ok: true });
      const asked = await alex.waitForMessage((one) => one.text === "failover database needs approval");
      await alex.click(asked, "Approve");
      const form = await alex.waitForView();
      expect(await alex.submit(form, { name: "x" })).toMatchObject({ errors: { name: "Type the word database." } });
      expect(await wrong.as("UALEX").slash("/dr failover database")).toMatchObject({ error: "dispatch_failed" });
      expect(listening.heard).toEqual(["failover database"]);
    } finally {
      await listening.stop();
      await good.close();
      await wrong.close();
    }
  });
});
