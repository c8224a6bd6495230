import { join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { configurationTable, loadConfig } from "../src/config.ts";
import { projectRoot } from "../src/lib/root.ts";
import { renamedSettings, warnOfRenamed } from "../src/renamed-settings.ts";
import { makeKeys } from "../src/timeline/keys.ts";
import { testKeyring, testKeySettings, testKeys } from "./support/record-keys.ts";

const tokens = { SLACK_BOT_TOKEN: "xoxb-1-abc", SLACK_APP_TOKEN: "xapp-1-abc" };
const socket = { ...tokens, ...testKeySettings };
const practice = {
  SLACK_BOT_TOKEN: "xoxb-practice-1",
  SLACK_APP_TOKEN: "xapp-practice-1",
  SLACK_API_URL: "http://127.0.0.1:4180/api/",
};

function problemsOf(env: Record<string, string>): string {
  const loaded = loadConfig(env);
  return loaded.ok ? "" : loaded.problems;
}

describe("what is read", () => {
  test("two tokens and two keys are enough, and everything else has its default", () => {
    expect(loadConfig(socket)).toEqual({
      ok: true,
      renamed: {},
      config: {
        practice: false,
        store: {
          databaseUrl: undefined,
          ownerUrl: undefined,
          dataFolder: resolve(".lifeboat"),
          stateFolder: resolve(".lifeboat"),
          keys: testKeys,
          production: true,
        },
        catalog: { systemsFolder: join(projectRoot(), "templates", "systems"), valuesFile: undefined },
        slack: {
          botToken: "xoxb-1-abc",
          transport: { kind: "socket", appToken: "xapp-1-abc" },
          apiUrl: null,
          announceIn: "incident-response",
          anchorIn: null,
          allowed: [],
          appId: null,
          rate: 1,
          slackUnavailable: "refuse",
          membershipSeconds: 900,
        },
        paging: {
          apiUrl: "https://api.pagerduty.com",
          eventsUrl: "https://events.pagerduty.com",
          webhook: null,
        },
        webhooks: null,
        alerts: { alertmanager: [], grafana: [], cloudwatch: [], generic: [] },
        comms: {
          mail: null,
          statuspage: null,
          page: { folder: resolve(".lifeboat", "status-page"), address: null, link: null },
        },
        telemetry: { webhooksFile: null, traces: null },
        secretKeys: [],
        mfaCooldownHours: 24,
        cli: { socket: resolve(".lifeboat", "run", "bot.sock"), tls: null, people: new Map() },
        slackUnavailable: "refuse",
        watchSeconds: 60,
        readinessMinutes: 30,
        sites: [],
        anchors: { channel: null, mail: [], authority: null, lock: null },
        cloudwatch: null,
        archiveAfterSeconds: null,
        links: { issue: null, bridge: null },
        drainSeconds: null,
        scriptUser: null,
        health: null,
        logLevel: "info",
      },
    });
  });

  test("the keys of the record: required outside practice, several while one is changed, and read at once", () => {
    const said = problemsOf(tokens);
    expect(said).toMatch(/LIFEBOAT_EVENT_KEYS: It is not set.*lifeboat keys/);
    expect(said).toMatch(/LIFEBOAT_SIGNING_KEY: It is not set/);
    const { events, signing } = makeKeys();
    const LIFEBOAT_EVENT_KEYS = [...events, ...testKeys.events].join(", ");
    const given = { LIFEBOAT_EVENT_KEYS, LIFEBOAT_SIGNING_KEY: signing ?? "", LIFEBOAT_STATE: "/var/lib/lifeboat" };
    const verifying = testKeyring.publicKeys.values().next().value ?? "";
    expect(loadConfig({ ...tokens, ...given, LIFEBOAT_VERIFY_KEYS: verifying })).toMatchObject({
      config: {
        store: {
          keys: { events: [...events, ...testKeys.events], signing, verifying: [verifying] },
          stateFolder: "/var/lib/lifeboat",
        },
      },
    });
    for (const [name, value] of [
      ["LIFEBOAT_EVENT_KEYS", "too-short"],
      ["LIFEBOAT_SIGNING_KEY", "MC4CAQAwBQYDK2VwBCIEIA"],
      ["LIFEBOAT_VERIFY_KEYS", signing ?? ""],
    ] as const) {
      const problems = problemsOf({ ...socket, [name]: value });
      expect(problems).toMatch(new RegExp(`^${name}: `));
      expect(problems).not.toContain(value);
    }
    expect(loadConfig(practice)).toMatchObject({ config: { store: { keys: undefined, production: false } } });
    expect(loadConfig({ LIFEBOAT_VERIFY_KEYS: verifying }, { slack: false })).toMatchObject({
      config: { store: { keys: { events: [], signing: null, verifying: [verifying] } } },
    });
  });

  test("the command line's socket, and HTTPS on an internal address only", () => {
    expect(loadConfig({ ...socket, RUNTIME_DIRECTORY: "/run/lifeboat:/run/other" })).toMatchObject({
      config: { cli: { socket: "/run/lifeboat/bot.sock" } },
    });
    const files = { LIFEBOAT_CLI_TLS_CERT: "/etc/lifeboat/cert.pem", LIFEBOAT_CLI_TLS_KEY: "/etc/lifeboat/key.pem" };
    const tls = { certificateFile: "/etc/lifeboat/cert.pem", keyFile: "/etc/lifeboat/key.pem" };
    for (const [listen, host] of [
      ["10.0.3.7:8443", "10.0.3.7"],
      ["172.31.0.1:8443", "172.31.0.1"],
      ["192.168.1.2:8443", "192.168.1.2"],
      ["100.64.0.1:8443", "100.64.0.1"],
      ["127.0.0.1:8443", "127.0.0.1"],
      ["[fd00::7]:8443", "fd00::7"],
    ])
      expect(loadConfig({ ...socket, ...files, LIFEBOAT_CLI_LISTEN: listen as string })).toMatchObject({
        config: { cli: { tls: { ...tls, host, port: 8443 } } },
      });
    for (const listen of [
      "0.0.0.0:8443",
      "[::]:8443",
      "203.0.113.9:8443",
      "172.32.0.1:8443",
      "bot.example:8443",
      "8443",
      "[2001:db8::1]:8443",
      "10.0.3.7:99999",
    ])
      expect(problemsOf({ ...socket, ...files, LIFEBOAT_CLI_LISTEN: listen })).toContain("LIFEBOAT_CLI_LISTEN");
    expect(problemsOf({ ...socket, LIFEBOAT_CLI_LISTEN: "10.0.3.7:8443" })).toMatch(/TLS_CERT[\s\S]*TLS_KEY/);
  });

  test("PagerDuty in Europe, with the old and the new secret of its webhooks", () => {
    const secrets = "0123456789abcdef, fedcba9876543210";
    const given = { PAGERDUTY_REGION: "eu", LIFEBOAT_PUBLIC_LISTEN: "3100", PAGERDUTY_WEBHOOK_SECRETS: secrets };
    expect(loadConfig({ ...socket, ...given })).toMatchObject({
      config: {
        paging: {
          apiUrl: "https://api.eu.pagerduty.com",
          eventsUrl: "https://events.eu.pagerduty.com",
          webhook: { secrets: ["0123456789abcdef", "fedcba9876543210"] },
        },
        webhooks: { port: 3100, host: "127.0.0.1" },
      },
    });
  });

  test("practice pages no one but on its own pager, and that pager pages no one but in practice", () => {
    expect(loadConfig(practice)).toMatchObject({ config: { paging: null } });
    const local = { PAGERDUTY_API_URL: "http://127.0.0.1:4181/" };
    expect(loadConfig({ ...practice, ...local })).toMatchObject({
      config: { paging: { apiUrl: "http://127.0.0.1:4181", eventsUrl: "http://127.0.0.1:4181" } },
    });
    expect(problemsOf({ ...socket, ...local })).toContain("PAGERDUTY_API_URL");
    expect(problemsOf({ ...practice, PAGERDUTY_API_URL: "https://api.pagerduty.com" })).toContain("PAGERDUTY_API_URL");
  });

  test("nothing that is said in practice leaves this machine, and what is said for real does", () => {
    const mail = { SMTP_URL: "smtp://bot:geheim@mail.example.com:587", MAIL_FROM: "Lifeboat <lifeboat@example.com>" };
    expect(loadConfig({ ...socket, ...mail, STATUSPAGE_API_KEY: "0123456789" })).toMatchObject({
      config: {
        comms: {
          mail: { url: mail.SMTP_URL, from: mail.MAIL_FROM },
          statuspage: { apiUrl: "https://api.statuspage.io/v1", key: "0123456789" },
        },
      },
    });
    expect(problemsOf({ ...practice, ...mail })).toContain("real people would be told");
    expect(problemsOf({ ...practice, ...mail })).not.toContain("geheim");
    expect(problemsOf({ ...practice, STATUSPAGE_API_KEY: "0123456789" })).toContain("real people would be told");
    const local = { STATUSPAGE_API_KEY: "0123456789", STATUSPAGE_API_URL: "http://127.0.0.1:4190/v1" };
    expect(problemsOf({ ...practice, ...local, ...mail, SMTP_URL: "smtp://127.0.0.1:2525" })).toBe("");
    expect(problemsOf({ ...socket, ...local })).toContain("nobody would be told");
    expect(problemsOf({ ...socket, SMTP_URL: mail.SMTP_URL })).toContain("MAIL_FROM");
    expect(problemsOf({ ...socket, ...mail, MAIL_FROM: "x\r\nBcc: a@b.example" })).toContain("MAIL_FROM");
  });

  test("webhooks without a secret are a mistake", () => {
    expect(problemsOf({ ...socket, PAGERDUTY_WEBHOOK_PORT: "3100" })).toContain("every webhook would be refused");
  });

  test("an accepted sender posts to the public address", () => {
    const alerts = { LIFEBOAT_ALERTMANAGER_SECRETS: "0123456789abcdef, fedcba9876543210" };
    expect(loadConfig({ ...socket, ...alerts, LIFEBOAT_PUBLIC_LISTEN: "3100" })).toMatchObject({
      config: {
        webhooks: { port: 3100, host: "127.0.0.1" },
        alerts: { alertmanager: ["0123456789abcdef", "fedcba9876543210"], grafana: [], cloudwatch: [], generic: [] },
      },
    });
    expect(loadConfig({ ...socket, ...alerts })).toMatchObject({ config: { webhooks: { port: 3000 } } });
    expect(problemsOf({ ...socket, PAGERDUTY_WEBHOOK_PORT: "3100" })).toContain("every webhook would be refused");
    expect(problemsOf({ ...socket, ...alerts, PAGERDUTY_WEBHOOK_PORT: "3100" })).toBe("");
    for (const topics of ["alarms", "arn:aws:sns:us-east-1:1:alarms", "arn:aws:sqs:us-east-1:123456789012:alarms"])
      expect(problemsOf({ ...socket, LIFEBOAT_PUBLIC_LISTEN: "3100", LIFEBOAT_CLOUDWATCH_TOPICS: topics })).toContain(
        "LIFEBOAT_CLOUDWATCH_TOPICS",
      );
  });

  test("a signing secret means HTTP, at the public address", () => {
    const loaded = loadConfig({
      ...testKeySettings,
      SLACK_BOT_TOKEN: "xoxb-1-abc",
      SLACK_SIGNING_SECRET: "0123456789abcdef0123456789abcdef",
      SLACK_ALLOWED_TEAMS: "T1, E2",
      LIFEBOAT_PUBLIC_LISTEN: "8080",
      LIFEBOAT_INTERNAL_LISTEN: "0",
      LIFEBOAT_ANNOUNCE_CHANNEL: "#dr",
    });
    expect(loaded).toMatchObject({
      ok: true,
      config: {
        slack: {
          transport: { kind: "http", port: 8080 },
          allowed: [
            { team: "T1", enterprise: null },
            { team: null, enterprise: "E2" },
          ],
          announceIn: "dr",
        },
        health: { port: 0 },
      },
    });
  });

  test("an address for Slack's API means practice", () => {
    expect(loadConfig(practice)).toMatchObject({ ok: true, config: { practice: true } });
  });

  test("an empty value is an unset one", () => {
    expect(loadConfig({ ...socket, LOG_LEVEL: "", SLACK_API_URL: "" })).toMatchObject({
      ok: true,
      config: { practice: false, logLevel: "info" },
    });
  });

  test("a command that does not speak to Slack needs no tokens", () => {
    expect(loadConfig({}, { slack: false })).toMatchObject({ ok: true, config: { slack: null } });
  });
});

describe("the key that secrets are kept with", () => {
  const key = Buffer.alloc(32, 7);

  test("is 32 bytes in base64", () => {
    const loaded = loadConfig({ ...socket, LIFEBOAT_SECRET_KEY: key.toString("base64") });
    expect(loaded).toMatchObject({ ok: true, config: { secretKeys: [key] } });
  });

  test.each([Buffer.alloc(16).toString("base64"), "a".repeat(44), key.toString("hex"), `${key.toString("base64")} `])(
    "is not %j, and that is said without repeating it",
    (given) => {
      const said = problemsOf({ ...socket, LIFEBOAT_SECRET_KEY: given });
      expect(said).toContain("openssl rand -base64 32");
      expect(said).not.toContain(given);
    },
  );
});

describe("settings under their former names", () => {
  const values: Record<string, string> = {
    LIFEBOAT_DOOR_PEOPLE: "kim=dana-kim",
    LIFEBOAT_NEW_PROOF_HOURS: "7",
    LIFEBOAT_WATCH_SECONDS: "9",
    LIFEBOAT_WHEN_SLACK_IS_SILENT: "roster",
  };
  const given = socket;
  const all = Object.entries(renamedSettings);

  test("every one has a value here", () => {
    expect(Object.keys(values).sort()).toEqual(Object.keys(renamedSettings).sort());
  });

  test.each(all)("%s is read as %s", (old, current) => {
    const before = loadConfig({ ...given, [old]: values[old] });
    const now = loadConfig({ ...given, [current]: values[old] });
    expect(before).toEqual({ ...now, renamed: { [old]: current } });
    expect(now).toMatchObject({ ok: true, renamed: {} });
    expect(now).not.toEqual(loadConfig(given));
    expect(loadConfig({ ...given, [old]: values[old], [current]: "" })).toEqual(before);
    expect(loadConfig({ ...given, [old]: "", [current]: values[old] })).toEqual(now);
  });

  test.each(all)("%s and %s may both be set, to the same value only", (old, current) => {
    expect(loadConfig({ ...given, [old]: values[old], [current]: values[old] })).toMatchObject({ ok: true });
    const said = problemsOf({ ...given, [old]: values[old] ?? "", [current]: "something-else=x" });
    expect(said).toContain(`${old} and ${current}: Both names of one setting are set, and their values differ.`);
    expect(said).toContain(`Unset ${old}`);
  });

  test("a value that can't be used is told under the name it was given", () => {
    expect(problemsOf({ ...given, LIFEBOAT_WHEN_SLACK_IS_SILENT: "hope" })).toBe(
      "LIFEBOAT_WHEN_SLACK_IS_SILENT (now LIFEBOAT_SLACK_UNAVAILABLE): This can't be used. Allowed: refuse, cached, roster.\n",
    );
  });

  test("one warning names them all and what to write instead", () => {
    const warnings: unknown[] = [];
    const log = { warn: (...said: unknown[]) => void warnings.push(said) };
    warnOfRenamed(log, {});
    warnOfRenamed(log, renamedSettings);
    expect(warnings).toEqual([
      [{ event: "config.settings_renamed", use: renamedSettings }, expect.stringContaining("until 0.3")],
    ]);
  });

  test("the reference names what each was called", () => {
    for (const [old, current] of all)
      expect(configurationTable()).toMatch(new RegExp(`\\| \`${current}\` .*Before 0\\.2: \`${old}\``));
  });
});

describe("two addresses", () => {
  const http = { ...testKeySettings, SLACK_BOT_TOKEN: "xoxb-1-abc", SLACK_SIGNING_SECRET: "0123456789abcdef" };
  const secrets = { PAGERDUTY_WEBHOOK_SECRETS: "0123456789abcdef" };

  /** Where everything is served, by what it is. */
  function served(env: Record<string, string>): Record<string, unknown> {
    const loaded = loadConfig(env);
    if (!loaded.ok) throw new Error(loaded.problems);
    const { slack, webhooks, comms, health } = loaded.config;
    const at = (one: { host: string; port: number } | null | undefined) => (one ? `${one.host} ${one.port}` : null);
    return {
      slack: slack?.transport.kind === "http" ? at(slack.transport) : null,
      webhook: at(webhooks),
      page: at(comms.page.address),
      health: at(health),
      warned: Object.keys(loaded.renamed),
    };
  }

  test("both are on loopback by default, and what is public shares one", () => {
    const nothing = { slack: null, webhook: null, page: null, health: null, warned: [] };
    expect(served(socket)).toEqual(nothing);
    expect(served({ ...http, ...secrets })).toEqual({ ...nothing, slack: "127.0.0.1 3000", webhook: "127.0.0.1 3000" });
    const both = { LIFEBOAT_PUBLIC_LISTEN: "4000", LIFEBOAT_INTERNAL_LISTEN: "4001" };
    const all = {
      slack: "127.0.0.1 4000",
      webhook: "127.0.0.1 4000",
      page: "127.0.0.1 4000",
      health: "127.0.0.1 4001",
    };
    expect(served({ ...http, ...secrets, ...both })).toEqual({ ...all, warned: [] });
  });

  test("an address of its own for each, as a container needs it", () => {
    const given = { LIFEBOAT_PUBLIC_LISTEN: "0.0.0.0:3000", LIFEBOAT_INTERNAL_LISTEN: "[::]:8080" };
    expect(served({ ...http, ...given })).toMatchObject({
      slack: "0.0.0.0 3000",
      page: "0.0.0.0 3000",
      health: ":: 8080",
    });
    for (const wrong of ["everywhere:80", "0.0.0.0", "70000", "10.0.0.1:99999", "http://10.0.0.1:80"])
      expect(problemsOf({ ...http, LIFEBOAT_PUBLIC_LISTEN: wrong })).toContain(
        "LIFEBOAT_PUBLIC_LISTEN: This can't be used",
      );
  });

  test("ports of before are read as before, each by itself, and warned of", () => {
    const ports = {
      PORT: "1",
      PAGERDUTY_WEBHOOK_PORT: "2",
      STATUS_PAGE_PORT: "3",
      HEALTH_PORT: "4",
      LISTEN_HOST: "::",
    };
    expect(served({ ...http, ...secrets, ...ports })).toEqual({
      ...{ slack: ":: 1", webhook: ":: 2", page: ":: 3", health: ":: 4" },
      warned: ["PORT", "LISTEN_HOST", "PAGERDUTY_WEBHOOK_PORT", "STATUS_PAGE_PORT", "HEALTH_PORT"],
    });
    // A platform sets it for every program; with Socket Mode nothing listens on it.
    expect(served({ ...socket, PORT: "8080" })).toMatchObject({ slack: null, warned: [] });
    // The image names a port; a host that was given before still says where.
    const image = { LIFEBOAT_INTERNAL_LISTEN: "8080", LISTEN_HOST: "0.0.0.0" };
    expect(served({ ...socket, ...image })).toMatchObject({ health: "0.0.0.0 8080", warned: ["LISTEN_HOST"] });
  });

  test.each([
    [{ PORT: "3001" }, "PORT"],
    [{ PAGERDUTY_WEBHOOK_PORT: "3001", ...secrets }, "PAGERDUTY_WEBHOOK_PORT"],
    [{ STATUS_PAGE_PORT: "3001" }, "STATUS_PAGE_PORT"],
    [{ LISTEN_HOST: "127.0.0.1" }, "LISTEN_HOST"],
    [{ HEALTH_PORT: "3001" }, "HEALTH_PORT"],
  ])("the old and the new at once, and different: %j", (former, name) => {
    const given = { ...http, LIFEBOAT_PUBLIC_LISTEN: "0.0.0.0:3000", LIFEBOAT_INTERNAL_LISTEN: "0.0.0.0:8080" };
    expect(problemsOf({ ...given, ...former } as Record<string, string>)).toMatch(
      new RegExp(`^${name} and LIFEBOAT_\\w+_LISTEN: Both say where to listen, and differ. Unset ${name}: `),
    );
    const same = { PORT: "3000", STATUS_PAGE_PORT: "3000", HEALTH_PORT: "8080", LISTEN_HOST: "0.0.0.0" };
    expect(problemsOf({ ...given, ...same })).toBe("");
  });
});

describe("what is refused", () => {
  test("everything at once, a line each, and no secret is repeated", () => {
    const said = problemsOf({
      SLACK_BOT_TOKEN: "xoxp-geheim",
      SLACK_SIGNING_SECRET: "short",
      SLACK_API_URL: "https://slack.example/api/",
      SLACK_ALLOWED_TEAMS: "acme",
      DATABASE_URL: "mysql://root:geheim@db/x",
      PORT: "70000",
      LOG_LEVEL: "loud",
      LIFEBOAT_VALEUS: "values.yml",
    });
    expect(said.trimEnd().split("\n")).toEqual([
      "DATABASE_URL: This can't be used. An address like postgres://user@host:5432/lifeboat, with commas between several hosts.",
      "SLACK_BOT_TOKEN: This can't be used. A bot token begins with xoxb-.",
      "SLACK_SIGNING_SECRET: This can't be used. It is shown under Basic Information of your Slack app, 32 characters.",
      "SLACK_API_URL: This can't be used. Only the practice workspace on this machine: http://127.0.0.1:4180/api/.",
      "SLACK_ALLOWED_TEAMS: This can't be used. Team ids (T…) or enterprise ids (E…), with commas.",
      "LOG_LEVEL: This can't be used. Allowed: trace, debug, info, warn, error, fatal, silent.",
      "PORT: This can't be used. A port is a number from 0 to 65535.",
      "LIFEBOAT_VALEUS: There is no such setting. Did you mean LIFEBOAT_VALUES?",
      "SLACK_BOT_TOKEN: This is not a practice token, and SLACK_API_URL would send it elsewhere than to slack.com. Unset SLACK_API_URL, or use a practice token.",
    ]);
    expect(said).not.toContain("geheim");
  });

  test("no tokens at all", () => {
    expect(problemsOf(testKeySettings).trimEnd().split("\n")).toEqual([
      "SLACK_BOT_TOKEN: It is not set. Bot token of your Slack app, `xoxb-…`. Required.",
      "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET: Neither is set, so nothing that people type or press would arrive. Set SLACK_APP_TOKEN for socket mode, or SLACK_SIGNING_SECRET for HTTP.",
    ]);
  });

  test("Slack and the command line at once", () => {
    expect(problemsOf({ ...socket, SLACK_SIGNING_SECRET: "0123456789abcdef" })).toContain("an app uses one of them");
  });

  test.each(["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"] as const)("a practice %s never goes to slack.com", (name) => {
    expect(problemsOf({ ...socket, [name]: practice[name] })).toContain(`${name}: This is a practice token`);
  });

  test.each(["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"] as const)(
    "a real %s never goes to the practice workspace",
    (name) => {
      expect(problemsOf({ ...practice, [name]: socket[name] })).toContain(`${name}: This is not a practice token`);
    },
  );

  test("Slack is spoken to faster than it documents in practice only", () => {
    expect(loadConfig(practice)).toMatchObject({ config: { slack: { rate: 1 } } });
    expect(loadConfig({ ...practice, SLACK_RATE: "50" })).toMatchObject({ config: { slack: { rate: 50 } } });
    expect(problemsOf({ ...socket, SLACK_RATE: "2" })).toContain("SLACK_RATE: Slack refuses what is sent faster");
    for (const wrong of ["0", "101", "1.5", "-1"])
      expect(problemsOf({ ...practice, SLACK_RATE: wrong })).toContain("SLACK_RATE: ");
  });

  test.each([
    "http://slack.com/api/",
    "http://127.0.0.1.example.com/api/",
    "http://127.example.com/api/",
    "http://localhost.example.com/",
    "http://10.0.0.5:4180/api/",
    "http://0.0.0.0/api/",
    "http://user@example.com#@127.0.0.1/",
    "ftp://127.0.0.1/",
    "127.0.0.1:4180",
  ])("Slack's API is not looked for at %s", (url) => {
    expect(problemsOf({ ...practice, SLACK_API_URL: url })).toContain("SLACK_API_URL: This can't be used");
  });

  test.each(["http://localhost:1/api/", "http://127.0.0.1:1/api/", "http://[::1]:1/api/"])(
    "%s is this machine",
    (url) => {
      expect(problemsOf({ ...practice, SLACK_API_URL: url })).toBe("");
    },
  );
});

test("the reference names every setting once, with its default", () => {
  const table = configurationTable();
  const rows = table.trimEnd().split("\n").slice(2);
  expect(new Set(rows.map((row) => row.split("|")[1])).size).toBe(rows.length);
  expect(table).toContain("| `LIFEBOAT_DATA` | `.lifeboat` | Folder for what Lifeboat keeps on this machine. |");
  expect(table).toMatch(/\| `LIFEBOAT_INTERNAL_LISTEN` \| {2}\| .* Before 0\.2: `HEALTH_PORT`, read until 0\.3\. \|/);
});

test("days until a channel is archived, and templates of links", () => {
  const given = {
    LIFEBOAT_ARCHIVE_DAYS: "7",
    LIFEBOAT_ISSUE_URL: "https://t.example/{issue}",
    LIFEBOAT_BRIDGE_URL: "https://m.example/{incident}",
  };
  const read = loadConfig({ ...socket, ...given });
  expect(read).toMatchObject({
    config: {
      archiveAfterSeconds: 604_800,
      links: { issue: given.LIFEBOAT_ISSUE_URL, bridge: given.LIFEBOAT_BRIDGE_URL },
    },
  });
});
