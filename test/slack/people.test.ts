import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { FetchFunction } from "@slack/web-api";
import { createWorkspace, type Workspace } from "../../practice/slack/workspace.ts";
import type { Catalog } from "../../src/catalog/types.ts";
import { isOneOf, learnIdentity, workspacesOf } from "../../src/sinks/slack/identity.ts";
import { stranger } from "../../src/slack/app.ts";
import { createClients } from "../../src/slack/clients.ts";
import { checkTokens, type SlackConfig } from "../../src/slack/config.ts";
import { blockedAs, createPeople, type Member } from "../../src/slack/people.ts";
import { personOf } from "../../src/slack/roster.ts";
import { quiet, until } from "../support/postgres.ts";
import { configFor, shop } from "../support/slack-harness.ts";

const ours = [{ team: "T1", enterprise: null }];
const member: Member = { id: "U1", team_id: "T1", name: "ana" };

describe("a Slack account", () => {
  test.each<[string, Partial<Member>, string | null]>([
    ["a member", {}, null],
    ["deactivated", { deleted: true }, "This Slack account is deactivated."],
    ["a bot", { is_bot: true }, "Bots, apps and workflows may not use Lifeboat."],
    ["an app's user", { is_app_user: true }, "Bots, apps and workflows may not use Lifeboat."],
    ["a workflow", { is_workflow_bot: true }, "Bots, apps and workflows may not use Lifeboat."],
    ["a connector", { is_connector_bot: true }, "Bots, apps and workflows may not use Lifeboat."],
    ["a guest", { is_restricted: true }, "Guests can't use Lifeboat."],
    ["a guest of one channel", { is_ultra_restricted: true }, "Guests can't use Lifeboat."],
    ["a stranger", { is_stranger: true }, "This Slack account belongs to another company's workspace."],
    ["from another workspace", { team_id: "T2" }, "This Slack account belongs to another company's workspace."],
    ["from nowhere", { team_id: undefined as never }, "This Slack account belongs to another company's workspace."],
    ["invited", { is_invited_user: true }, "This Slack account has not joined yet."],
  ])("%s", (_, more, says) => expect(blockedAs({ ...member, ...more }, ours)).toBe(says));

  test("with no workspaces known no one is a member", () => {
    expect(blockedAs(member, [])).not.toBeNull();
  });
});

describe("workspaces", () => {
  test("an empty list means the bot's own, never everyone", () => {
    const identity = { botUser: "UB", bot: "B", team: "T1", enterprise: null };
    expect(workspacesOf(identity, [])).toEqual([{ team: "T1", enterprise: null }]);
    expect(isOneOf(workspacesOf(identity, []), "T2", null)).toBe(false);
    expect(isOneOf([], "T1", "E1")).toBe(false);
  });

  test.each([
    ["T1", null, true],
    ["T2", null, false],
    [null, "E1", true],
    [null, null, false],
    ["T2", "E1", false],
  ])("team %s of enterprise %s: %s", (team, enterprise, known) => {
    expect(isOneOf([{ team: "T1", enterprise: "E1" }], team, enterprise)).toBe(known);
  });

  test("a whole organisation may be let in", () => {
    expect(isOneOf([{ team: null, enterprise: "E1" }], "T9", "E1")).toBe(true);
    expect(isOneOf([{ team: null, enterprise: "E1" }], "T9", null)).toBe(false);
  });

  test.each<[string, Record<string, unknown>, boolean]>([
    ["a command of ours", { api_app_id: "A1", team_id: "T1" }, true],
    ["a press of ours", { api_app_id: "A1", team: { id: "T1" }, enterprise: null }, true],
    ["another app", { api_app_id: "A2", team_id: "T1" }, false],
    ["another team", { api_app_id: "A1", team: { id: "T2" } }, false],
    ["no team at all", { api_app_id: "A1" }, false],
  ])("%s", (_, body, heard) => expect(stranger(body, "A1", ours) === null).toBe(heard));
});

describe("whose account it is", () => {
  const other = { ...shop, id: "other", people: [{ id: "ana.lind", name: "Ana", slack: ["UALEX"], roles: [] }] };
  const both: Catalog = { systems: [shop, other], runbooks: [] };
  test("the place's roster decides", () => {
    expect(personOf(both, "UALEX", "orders")).toBe("alex");
    expect(personOf(both, "UALEX", "other")).toBe("ana.lind");
  });
  test("rosters that differ give no one; one roster alone is enough", () => {
    expect(personOf(both, "UALEX", null)).toBeNull();
    expect(personOf(both, "USAM", null)).toBe("sam");
    expect(personOf(both, "USAM", "other")).toBeNull();
  });
});

describe("tokens", () => {
  const config: SlackConfig = {
    botToken: "xoxb-1",
    transport: { kind: "socket", appToken: "xapp-1" },
    apiUrl: null,
    announceIn: null,
    allowed: [],
    appId: null,
    slackUnavailable: "refuse",
    membershipSeconds: 900,
  };
  test.each<[string, Partial<SlackConfig>, string | null]>([
    ["real ones go to Slack", {}, null],
    ["practice ones never do", { botToken: "xoxb-practice-1" }, "practice token"],
    ["real ones never go elsewhere", { apiUrl: "http://127.0.0.1:1/api/" }, "not a practice token"],
    [
      "practice ones go to practice",
      {
        botToken: "xoxb-practice-1",
        transport: { kind: "socket", appToken: "xapp-practice-1" },
        apiUrl: "http://127.0.0.1:1/api/",
      },
      null,
    ],
  ])("%s", (_, more, says) => {
    const check = () => checkTokens({ ...config, ...more });
    if (says === null) expect(check).not.toThrow();
    else expect(check).toThrow(says);
  });
});

describe("an approval while Slack is silent", () => {
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await createWorkspace({ manifestFile: "manifest.yml" });
  });
  afterAll(() => workspace.close());
  let asked = 0;
  const counted: typeof fetch = (url, init) => {
    if (String(url).endsWith("/users.info")) asked++;
    return fetch(url, init);
  };

  /** People of a bot that is told from outside that Slack is silent. */
  async function peopleOf(slackUnavailable: SlackConfig["slackUnavailable"], membershipSeconds = 900) {
    const { ask: client } = createClients(configFor(workspace), quiet, counted as FetchFunction);
    const workspaces = workspacesOf(await learnIdentity(client), []);
    const waiting = new Set<(since: Date) => void>();
    let since: Date | null = null;
    const reachability = {
      silentSince: () => since,
      onSilence(told: (since: Date) => void) {
        waiting.add(told);
        return () => void waiting.delete(told);
      },
    };
    const fallsSilent = () => {
      since = new Date("2026-11-30T02:41:10Z");
      for (const tell of waiting) tell(since);
    };
    const catalog: Catalog = { systems: [shop], runbooks: [] };
    const policy = { slackUnavailable, membershipSeconds };
    const changes: (readonly [string, boolean])[] = [];
    const onChanged = (user: string, isBlocked: boolean) => void changes.push([user, isBlocked]);
    const options = { client, catalog, workspaces: () => workspaces, reachability, ...policy, onChanged, log: quiet };
    return { people: createPeople(options), fallsSilent, changes };
  }

  const never = "Slack hasn't confirmed it since this bot started.";
  const silent = "Slack could not say whether this account may use Lifeboat (no answer since 02:41:10 UTC).";
  const deactivated = "This Slack account is deactivated.";
  test.each<[SlackConfig["slackUnavailable"], string, string, "slack" | "cli", string | null]>([
    ["refuse", "alex", "known", "slack", silent],
    ["refuse", "alex", "unknown", "slack", silent],
    ["refuse", "alex", "unknown", "cli", null],
    ["refuse", "dee", "known", "cli", deactivated],
    ["cached", "alex", "known", "slack", null],
    ["cached", "alex", "unknown", "slack", `${silent} ${never}`],
    ["cached", "alex", "unknown", "cli", null],
    ["cached", "dee", "known", "slack", deactivated],
    ["cached", "gil", "known", "slack", "Guests can't use Lifeboat."],
    ["roster", "alex", "unknown", "slack", null],
    ["roster", "dee", "known", "slack", deactivated],
    ["roster", "dee", "known", "cli", deactivated],
    ["roster", "nobody", "unknown", "slack", "nobody is no longer on the roster of Orders."],
  ])("%s: %s, %s before, by %s: %s", async (policy, person, before, door, says) => {
    const { people, fallsSilent } = await peopleOf(policy);
    if (before === "known") await people.accountStatus.check(shop, person);
    fallsSilent();
    const questions = asked;
    const instead: string[] = [];
    expect(await people.accountStatus.check(shop, person, door === "cli", (by) => instead.push(by))).toBe(says);
    const recorded = says === null && door === "slack";
    const by = policy === "roster" ? "the roster" : expect.stringMatching(/^Slack's answer of \d+ s before$/);
    expect(instead).toEqual(recorded ? [by] : []);
    expect(asked).toBe(questions);
    if (says !== null && before === "unknown") expect(await people.accountStatus.gone(shop, person)).toBeNull();
  });

  test("a membership that is too old doesn't count, and its age is said", async () => {
    const { people, fallsSilent } = await peopleOf("cached", 0);
    await people.accountStatus.check(shop, "alex");
    fallsSilent();
    expect(await people.accountStatus.check(shop, "alex")).toMatch(
      /Slack confirmed it \d+ s ago, and 0 s are allowed\.$/,
    );
  });

  test("who can't act by Slack's last word is known, and each change of it is told once", async () => {
    const { people, changes } = await peopleOf("refuse");
    for (const user of ["UALEX", "UDEE", "UGIL", "UDEE"]) await people.look(user);
    expect([...people.blocked()]).toEqual(["UGIL", "UDEE"]);
    workspace.faults("activate", { user: "UDEE" });
    await people.caller("UDEE", { channel: null, system: null });
    workspace.faults("deactivate", { user: "UDEE" });
    expect([...people.blocked()]).toEqual(["UGIL"]);
    expect(changes).toEqual([
      ["UDEE", true],
      ["UGIL", true],
      ["UDEE", false],
    ]);
  });

  test("that Slack refuses to say is no word about an account", async () => {
    const { people } = await peopleOf("refuse");
    workspace.faults("refuse", { method: "users.info", error: "missing_scope" });
    await people.look("UALEX");
    workspace.faults("refuse", { method: "users.info", error: "user_not_found" });
    await people.look("USAM");
    workspace.faults("calm");
    expect([...people.blocked()]).toEqual(["USAM"]);
  });

  test("a click is what Slack said last, too", async () => {
    const { people, fallsSilent } = await peopleOf("cached");
    await people.caller("UALEX", { channel: null, system: null });
    fallsSilent();
    expect(await people.accountStatus.check(shop, "alex")).toBeNull();
  });

  test("a look-up that is in progress ends as soon as the silence is known", async () => {
    const { people, fallsSilent } = await peopleOf("roster");
    workspace.faults("delayCalls", { seconds: 3_600 });
    try {
      const before = asked;
      const checked = people.accountStatus.check(shop, "alex");
      const gone = people.accountStatus.gone(shop, "alex");
      await until(() => asked === before + 2);
      fallsSilent();
      expect([await checked, await gone]).toEqual([null, null]);
    } finally {
      workspace.faults("calm");
    }
  });
});
