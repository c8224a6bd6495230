import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { isOwnName } from "../../src/catalog/secret.ts";
import type { Runbook, System } from "../../src/catalog/types.ts";
import { configurationTable } from "../../src/config.ts";
import { redactAll, redactor } from "../../src/lib/redact.ts";
import { weaknesses } from "../../src/script-host.ts";
import { createSecrets } from "../../src/secrets.ts";
import { secretNamesOf } from "../../src/telemetry/receivers.ts";
import { SYSTEM } from "../support/incident-scenario.ts";

/** Which secrets are given to whom, and that none comes out again in whatever writing. */
const CANARY = `c4n/ry+"quote"&=%é!x7Qz`;

/** How programs write a secret into what they print. */
const WRITINGS: Readonly<Record<string, (secret: string) => string>> = {
  plain: (secret) => secret,
  json: (secret) => JSON.stringify({ password: secret }),
  "json twice": (secret) => JSON.stringify(JSON.stringify({ password: secret })),
  url: (secret) => `postgres://shop:${encodeURIComponent(secret)}@db/orders`,
  form: (secret) => new URLSearchParams({ password: secret }).toString(),
  hex: (secret) => Buffer.from(secret).toString("hex"),
  "hex in capitals": (secret) => Buffer.from(secret).toString("hex").toUpperCase(),
  "hex with colons": (secret) => (Buffer.from(secret).toString("hex").match(/../g) ?? []).join(":"),
  "base64, first place": (secret) => Buffer.from(secret).toString("base64"),
  "base64, second place": (secret) => Buffer.from(`u:${secret} and more`).toString("base64"),
  "base64, third place": (secret) => Buffer.from(`a${secret}`).toString("base64"),
  base64url: (secret) => Buffer.from(`x${secret}`).toString("base64url"),
  "a basic login": (secret) => `authorization: Basic ${Buffer.from(`shop:${secret}`).toString("base64")}`,
  "lines of five": (secret) => (secret.match(/[\s\S]{1,5}/g) ?? []).join("\n"),
  "base64 in lines": (secret) =>
    (
      Buffer.from(secret)
        .toString("base64")
        .match(/.{1,9}/g) ?? []
    ).join("\r\n  "),
  "JSON in base64": (secret) => Buffer.from(JSON.stringify({ password: secret })).toString("base64"),
  "JSON in hex": (secret) => Buffer.from(JSON.stringify({ password: secret })).toString("hex"),
  "an address in base64": (secret) => Buffer.from(`http://u:${encodeURIComponent(secret)}@h`).toString("base64"),
  "lines in JSON": (secret) => JSON.stringify((secret.match(/[\s\S]{1,6}/g) ?? []).join("\n")),
};

describe("a secret is known again", () => {
  const redact = redactor([CANARY]);
  test.each(Object.entries(WRITINGS))("%s", (_how, write) => {
    const said = redact(`before ${write(CANARY)} after`);
    expect(said).toContain("[secret]");
    expect(decodings(said).filter((text) => text.includes(CANARY.slice(2, 14)))).toEqual([]);
    expect(said).toMatch(/^before .* after$/s);
  });

  test("as real programs write it", () => {
    for (const command of ["base64 -w 7", "xxd -p", "od -An -tx1", "fold -w 4"]) {
      const { stdout, error } = spawnSync("sh", ["-c", command], { input: CANARY, encoding: "utf8" });
      if (error || stdout === "") continue;
      expect({ command, said: redact(stdout).trim() }).toEqual({
        command,
        said: expect.stringMatching(/^\[secret\]\W*\w{0,3}=*$/),
      });
    }
  });

  test("a key of many lines by each of them, a short one only as a whole", () => {
    const key = `-----BEGIN KEY-----\n${"MIIEvQIBADANBgkqhkiG9w0B"}\n${"AQEFAASCBKcwggSjAgEAAoIB"}\n-----END KEY-----`;
    expect(redactor([key])("half of it: AQEFAASCBKcwggSjAgEAAoIB.")).toBe("half of it: [secret].");
    expect(redactor(["abc", ""])("abc is said often")).toBe("abc is said often");
  });

  test("in whatever is written as JSON, and nothing else is touched", () => {
    const redact = redactor([CANARY]);
    const data = { says: `it is ${CANARY}`, facts: [{ value: CANARY, of: 7, none: null }], [CANARY]: true };
    expect(redactAll(data, redact)).toEqual({
      says: "it is [secret]",
      facts: [{ value: "[secret]", of: 7, none: null }],
      "[secret]": true,
    });
    const plain = { a: "nothing of it", at: "2026-11-30T00:00:00Z", b: [1, false] };
    expect(redactAll(plain, redact)).toEqual(plain);
  });

  test("a long text with many secrets takes no time", () => {
    const many = redactor(Array.from({ length: 50 }, (_, i) => `secret-number-${i}-${"x".repeat(30)}`));
    const text = "a secret-number which is none \n ".repeat(4_000);
    const started = process.cpuUsage();
    expect(many(text)).toBe(text);
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(1_000);
  });
});

/** A text, and what it says where it is decoded. */
function decodings(text: string): readonly string[] {
  const bare = text.replace(/\s|\\[nrt]|:/g, "");
  const words = bare.split(/[^A-Za-z0-9+/_=-]+/);
  return [
    text,
    bare,
    ...words.flatMap((word) => [0, 1, 2, 3].map((from) => Buffer.from(word.slice(from), "base64").toString("utf8"))),
    ...words.map((word) => Buffer.from(word, "hex").toString("utf8")),
  ];
}

describe("which secrets are given", () => {
  const environment = {
    STORE_PW: "of-the-store-1",
    SHOP_TOKEN: "of-the-shop-1",
    PD_KEY: "of-the-pager-1",
    DRILL_STORE_PW: "of-the-drill-1",
    BY_VALUE_PW: "named-by-a-value",
    UNLISTED: "not-in-the-catalogue",
    SLACK_BOT_TOKEN: "xoxb-ours",
    LIFEBOAT_SECRET_KEY: "ours",
    DATABASE_URL: "postgres://ours",
    SLACK_SIGNING_SECRET: "ours, too",
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer ours",
    PGPASSWORD: "of-our-store",
    SIEM_SIGNING: "of-a-webhook",
  };
  const own = Object.keys(environment).filter((name) => /^(SLACK|LIFEBOAT|DATABASE|OTEL|PGP|SIEM)/.test(name));
  const system: System = {
    ...SYSTEM,
    scripts: [{ name: "repoint", file: "r", path: "/r", environment: ["SHOP_TOKEN", ...own] }],
    paging: { service: "P", routingKeyFrom: "PD_KEY", tokenFrom: "PD_KEY", from: "a@b.example" } as never,
  };
  const step = { kind: "action", action: "postgres.check", with: { node: { passwordFrom: "STORE_PW" } }, retries: 0 };
  const runbook = { id: "r", system: system.id, stages: [{ steps: [{ does: step }] }] } as unknown as Runbook;
  const noted: string[] = [];
  const secrets = createSecrets({
    environment,
    catalog: () => ({ systems: [system], runbooks: [runbook] }),
    values: () => [new Map([["passwordFrom", "BY_VALUE_PW"]])],
    reserved: () => new Set(["SIEM_SIGNING"]),
    noted: (value) => noted.push(value),
  });

  test.each(["STORE_PW", "SHOP_TOKEN", "DRILL_STORE_PW", "BY_VALUE_PW"] as const)(
    "%s, which the catalogue names",
    (name) => {
      expect(secrets.forActions(name)).toBe(environment[name]);
      expect(noted).toContain(environment[name]);
    },
  );

  test.each([...own, "UNLISTED", "PD_KEY", "DRILL_LIFEBOAT_SECRET_KEY", "PATH", "LD_PRELOAD", "constructor"])(
    "never %s",
    (name) => {
      expect(() => secrets.forActions(name)).toThrow(
        expect.objectContaining({ problem: expect.objectContaining({ code: "secret-refused" }) }),
      );
    },
  );

  test("every setting that holds or leads to a secret is Lifeboat's own, also one that is new", () => {
    const names = [...configurationTable().matchAll(/^\| `([A-Z_0-9]+)`/gm)].map(([, name = ""]) => name);
    const secret = names.filter((name) => /TOKEN|SECRET|KEY|PASSWORD|HEADERS|URL|ENDPOINT|WEBHOOKS|TSA/.test(name));
    expect(secret.length).toBeGreaterThan(20);
    expect(secret.filter((name) => !isOwnName(name))).toEqual([]);
  });

  test("what webhooks are signed with, by the names their file gives", () => {
    const file = join(mkdtempSync(join(tmpdir(), "lifeboat-")), "webhooks.yml");
    const receiver = { name: "siem", url: "https://siem.example/", secretFrom: ["SIEM_SIGNING", "SIEM_BEFORE"] };
    writeFileSync(file, JSON.stringify([receiver]));
    expect([...secretNamesOf(file)]).toEqual(["SIEM_SIGNING", "SIEM_BEFORE"]);
    rmSync(dirname(file), { recursive: true });
  });

  test("the pager's keys to the pager alone", () => {
    expect(secrets.forPaging("PD_KEY")).toBe("of-the-pager-1");
    for (const name of [...own, "STORE_PW", "UNLISTED"])
      expect(() => secrets.forPaging(name)).toThrow(/is given to nothing|names this secret/);
  });

  test("what a machine can't hold back is said at the start", () => {
    expect(weaknesses("namespace", false, true)).toEqual([]);
    expect(weaknesses("marker", true, true)).toEqual([]);
    expect(weaknesses("marker", false, false)).toEqual([]);
    expect(weaknesses("marker", false, true).map(({ event }) => event)).toEqual(["scripts.same_user"]);
    expect(weaknesses("group", false, true).map(({ event }) => event)).toEqual([
      "scripts.not_contained",
      "scripts.same_user",
    ]);
  });
});
