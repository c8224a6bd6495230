import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, matchesGlob } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";

/** What is in the repository, in its packages and in its image, besides the code. */
const root = projectRoot();
const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" }).split("\0").filter(Boolean);

/**
 * Secrets as their issuers write them. A match that is an example says so by its own words: what practice uses, and what
 * documentation of the issuer gives, is no secret of anyone's.
 */
const PATTERNS: Readonly<Record<string, RegExp>> = {
  "a private key": /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s*[A-Za-z0-9+/=\s]{64,}/g,
  "an AWS access key": /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  "a Slack token": /\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}/g,
  "a Slack webhook": /hooks\.slack\.com\/services\/T[A-Z0-9]{8,}\/B[A-Z0-9]{8,}\/[A-Za-z0-9]{20,}/g,
  "a GitHub token": /\bgh[opsur]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{60,}/g,
  "a GitLab token": /\bglpat-[A-Za-z0-9_-]{20}/g,
  "an npm token": /\bnpm_[A-Za-z0-9]{36}\b/g,
  "a Google key": /\bAIza[0-9A-Za-z_-]{35}\b/g,
  "a Stripe key": /\b[rs]k_live_[A-Za-z0-9]{20,}/g,
  "an OpenAI or Anthropic key": /\bsk-(?:proj-|ant-)[A-Za-z0-9_-]{30,}/g,
  "a SendGrid key": /\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}/g,
  "a signed token": /\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}/g,
  "a PagerDuty token": /\bu\+[A-Za-z0-9_-]{18}\b/g,
};
const EXAMPLE =
  /practice|example|test|EXAMPLE|(.)\1{7}|12345678|abcdef|fake|dummy|invalid|placeholder|ours|somebody|no-such/i;

function secretsIn(text: string): readonly string[] {
  return Object.entries(PATTERNS).flatMap(([what, pattern]) =>
    [...text.matchAll(pattern)]
      .filter(([found]) => !EXAMPLE.test(found))
      .map(([found]) => `${what}: ${found.slice(0, 12)}…`),
  );
}

describe("no secret is in the repository", () => {
  test("in no tracked file", () => {
    const found = tracked
      .filter((file) => file !== "test/security/supply.test.ts" && !/\.(png|gif|woff2?)$/.test(file))
      .filter((file) => statSync(join(root, file), { throwIfNoEntry: false })?.isFile())
      .flatMap((file) => secretsIn(readFileSync(join(root, file), "utf8")).map((what) => `${file}: ${what}`));
    expect(found).toEqual([]);
  });

  test("and no file that is made to hold one", () => {
    expect(
      tracked.filter((file) =>
        /(^|\/)(\.env.*|.*\.env|.*\.(pem|key|p12|pfx)|id_(rsa|ed25519|ecdsa)|\.npmrc)$/.test(file),
      ),
    ).toEqual([]);
  });

  // Put together here, so that nothing which looks for secrets takes this file for one.
  test.each([
    ["a private key", `-----BEGIN RSA PRIVATE ${"KEY-----"}\n${"MIIEowIBAAKCAQEA7bq0".repeat(4)}\n`],
    ["an AWS access key", `AKIA${"Q7XW2N4VZ9KJ3MTB"}`],
    ["a Slack token", `xoxb-${"8273645182-9182736450-QzXwVtRs"}`],
    ["a GitHub token", `ghp_${"q8ZxT2vN7bLw4KpR9sYdG3hJ6mFcA1eU5oQi"}`],
    ["a signed token", `eyJhbGciOiJIUzI1${"NiIsInR5cCI6"}.eyJzdWIiOiI5ODc2${"NTQzMjEw"}.dBjftJeZ4CVPmB92K27uhbUJU1p1r`],
  ])("%s would be found", (what, secret) => {
    expect(secretsIn(`token: ${secret}\n`)).toEqual([expect.stringContaining(what)]);
  });
});

describe("packages", () => {
  interface Locked {
    readonly link?: boolean;
    readonly integrity?: string;
    readonly resolved?: string;
    readonly inBundle?: boolean;
    readonly dev?: boolean;
    readonly optional?: boolean;
    readonly os?: readonly string[];
    readonly cpu?: readonly string[];
  }
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, Locked>;
  };

  /** Of tools for other machines than the one that wrote the file, npm notes no bytes: none of these is shipped. */
  const isForeignTool = ({ dev, optional, os, cpu }: Locked) =>
    dev === true && optional === true && (os ?? cpu) !== undefined;

  /** Our own packages, which are in this repository. */
  const ours: readonly string[] = ["", "practice", "node_modules/lifeboat-practice"];

  test("each is locked to its bytes, and none comes from anywhere but a registry", () => {
    expect(lock.packages["node_modules/lifeboat-practice"]).toEqual({ resolved: "practice", link: true });
    const loose = Object.entries(lock.packages).filter(
      ([path, one]) =>
        !ours.includes(path) &&
        (one.link === true ||
          (!one.inBundle && !isForeignTool(one) && !/^sha512-/.test(one.integrity ?? "")) ||
          /^(git|file|http:)/.test(one.resolved ?? "")),
    );
    expect(loose).toEqual([]);
  });

  test("they are installed by the lock file alone", () => {
    for (const file of [".ci/run", "Dockerfile"]) {
      const text = readFileSync(join(root, file), "utf8");
      expect({ file, installs: text.match(/^(?:RUN )?npm (?:install|i|update|add)\b.*/gm) }).toEqual({
        file,
        installs: null,
      });
      expect(text).toMatch(/npm ci\b/);
    }
  });

  test("a registry that answers nothing fails nothing; one that knows of a vulnerability does", () => {
    expect(readFileSync(join(root, ".ci/run"), "utf8")).toContain(".ci/audit");
    const folder = mkdtempSync(join(tmpdir(), "lifeboat-npm-"));
    const audit = (answer: object) => {
      writeFileSync(join(folder, "npm"), `#!/bin/sh\ncat <<'ANSWER'\n${JSON.stringify(answer)}\nANSWER\nexit 1\n`, {
        mode: 0o755,
      });
      const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
      const { status, stdout } = spawnSync(join(root, ".ci/audit"), { env, encoding: "utf8" });
      return { status, says: stdout.trim() };
    };
    try {
      expect(audit({ message: "405 Method Not Allowed" })).toEqual({
        status: 0,
        says: "Vulnerabilities are not known: 405 Method Not Allowed.",
      });
      const levels = (high: number) => ({ metadata: { vulnerabilities: { low: 1, high, critical: 0 } } });
      expect(audit(levels(0))).toEqual({
        status: 0,
        says: "Vulnerabilities of what is shipped: low 1, high 0, critical 0.",
      });
      expect(audit(levels(2)).status).toBe(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test("what holds an installation's secrets is never sent to the builder of the image", () => {
  const ignored = readFileSync(join(root, ".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const isIgnored = (file: string) =>
    ignored.some((pattern) => matchesGlob(file, pattern) || matchesGlob(file, `${pattern}/**`));
  for (const file of [
    "bot.env",
    "production/bot.env",
    ".env",
    ".env.local",
    "ours/tls.key",
    "ca.pem",
    "kubeconfig-east",
    "id_ed25519",
    "values.yml",
  ])
    expect({ file, ignored: isIgnored(file) }).toEqual({ file, ignored: true });
  const needed = ["package.json", "package-lock.json", "src/main.ts", "manifest.yml", "LICENSE", "tsconfig.json"];
  const copied = tracked.filter((file) => /^(src|commands|templates)\//.test(file));
  expect([...needed, ...copied].filter(isIgnored)).toEqual([]);
});
