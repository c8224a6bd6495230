import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Secret, TOTP } from "otpauth";
import { seal, unseal } from "../../src/mfa/sealed.ts";
import type { SecondFactor } from "../../src/mfa/second-factor.ts";
import { createTotp, stepOf } from "../../src/mfa/totp.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createSecondFactors } from "../../src/timeline/second-factors.ts";
import { asSuperuser, storeOn, type TestServer, testServer } from "../support/postgres.ts";
import { hoursBefore, secondFactorsBecome } from "../support/record-keys.ts";

describe("the codes of RFC 6238, appendix B", () => {
  const secret = Buffer.from("12345678901234567890", "ascii");
  const vectors: readonly (readonly [seconds: number, code: string])[] = [
    [59, "94287082"],
    [1_111_111_109, "07081804"],
    [1_111_111_111, "14050471"],
    [1_234_567_890, "89005924"],
    [2_000_000_000, "69279037"],
    [20_000_000_000, "65353130"],
  ];
  test.each(vectors)("at %d s it is %s", (seconds, code) => {
    const now = new Date(seconds * 1000);
    const step = Math.floor(seconds / 30);
    expect(stepOf(secret, code.slice(-6), now)).toBe(step);
    expect(stepOf(secret, code.slice(-6), new Date(now.getTime() + 30_000))).toBe(step);
    expect(stepOf(secret, code.slice(-6), new Date(now.getTime() - 30_000))).toBe(step);
    expect(stepOf(secret, code.slice(-6), new Date(now.getTime() + 90_000))).toBeNull();
    expect(stepOf(secret, code.slice(-6), new Date(now.getTime() - 90_000))).toBeNull();
  });

  test("a code is six digits, with blanks as people type them, and nothing else", () => {
    const now = new Date(59_000);
    expect(stepOf(secret, " 287 082 ", now)).toBe(1);
    for (const other of ["94287082", "28708", "", "28708a", "-87082", "２８７０８２"])
      expect(stepOf(secret, other, now)).toBeNull();
  });
});

describe("a sealed secret", () => {
  const key = randomBytes(32);
  const secret = randomBytes(20);

  test("opens for its holder and its key only, and never when a byte was changed", () => {
    const sealed = seal(key, "shop/vera", secret);
    expect(unseal(key, "shop/vera", sealed)).toEqual(secret);
    expect(unseal(key, "shop/oli", sealed)).toBeNull();
    expect(unseal(randomBytes(32), "shop/vera", sealed)).toBeNull();
    for (let at = 0; at < sealed.length; at += 7) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(unseal(key, "shop/vera", changed)).toBeNull();
    }
    expect(unseal(key, "shop/vera", sealed.subarray(0, 27))).toBeNull();
  });

  test("is never the same twice", () => {
    expect(seal(key, "shop/vera", secret)).not.toEqual(seal(key, "shop/vera", secret));
  });
});

describe("someone who proves who they are", () => {
  let server: TestServer;
  let store: Store;
  let url: string;
  let mfa: SecondFactor;
  const key = randomBytes(32);
  const vera = "shop/vera";
  let requests = 0;

  beforeAll(async () => {
    server = await testServer();
  }, 60_000);
  beforeEach(async () => {
    await store?.close();
    url = await server.database();
    store = await storeOn(url);
    mfa = createTotp(createSecondFactors(store.pool, store.keyring), [key]);
  }, 60_000);
  afterAll(async () => {
    await store?.close();
    await server?.close();
  }, 60_000);

  /** What the authenticator shows, `steps` of 30 s from now. */
  const shows = (secret: string, steps = 0) =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });
  const wrongFor = (secret: string) => {
    const near = new Set([-2, -1, 0, 1, 2].map((steps) => shows(secret, steps)));
    return ["000000", "111111", "222222", "333333", "444444", "555555"].find((code) => !near.has(code)) ?? "666666";
  };
  const codeOf = (verdict: Awaited<ReturnType<SecondFactor["check"]>>) => (verdict.ok ? "ok" : verdict.problem.code);
  const check = async (code: string, request = `request-${++requests}`) => codeOf(await mfa.check(vera, code, request));

  async function enrolled(): Promise<string> {
    const { secret } = await mfa.begin([vera], "Vera");
    expect(codeOf(await mfa.confirm([vera], shows(secret, -1), null, "enroll"))).toBe("ok");
    return secret;
  }

  test("enrolls once, with a code, and can then prove it", async () => {
    expect(await mfa.enrolled([vera])).toBe(false);
    const { secret, uri } = await mfa.begin([vera], "Vera Lindqvist (Shop)");
    expect(uri).toMatch(/^otpauth:\/\/totp\/Vera%20Lindqvist%20\(Shop\)\?issuer=Lifeboat&secret=[A-Z2-7]{32}$/);
    expect(await mfa.enrolled([vera])).toBe(false);
    expect(codeOf(await mfa.confirm([vera], wrongFor(secret), null, "enroll-1"))).toBe("proof-wrong");
    expect(codeOf(await mfa.confirm([vera], shows(secret, -1), null, "enroll-2"))).toBe("ok");
    expect(await mfa.enrolled([vera])).toBe(true);
    expect(await check(shows(secret))).toBe("ok");
  });

  test("is no one before that", async () => {
    expect(await check("123456")).toBe("proof-not-enrolled");
    expect(codeOf(await mfa.confirm([vera], "123456", null, "enroll"))).toBe("proof-nothing-pending");
  });

  test("does not use a code twice, nor an older one; the same request delivered again is the same", async () => {
    const secret = await enrolled();
    expect(await check(shows(secret, 0), "click")).toBe("ok");
    expect(await check(shows(secret, 0), "click")).toBe("ok");
    expect(await check(shows(secret, 0), "another click")).toBe("proof-used");
    expect(await check(shows(secret, -1))).toBe("proof-used");
    expect(await check(shows(secret, 1))).toBe("ok");
  });

  test("one code in ten requests at once counts for one of them", async () => {
    const secret = await enrolled();
    const code = shows(secret);
    const verdicts = await Promise.all(Array.from({ length: 10 }, (_, n) => check(code, `at-once-${n}`)));
    expect(verdicts.filter((verdict) => verdict === "ok")).toHaveLength(1);
  });

  test("has five tries, and then none for a quarter of an hour, right or wrong", async () => {
    const secret = await enrolled();
    const wrong = wrongFor(secret);
    const verdicts: string[] = [];
    for (let n = 0; n < 6; n++) verdicts.push(await check(wrong));
    expect(verdicts).toEqual([...Array(4).fill("proof-wrong"), "proof-locked", "proof-locked"]);
    expect(await check(shows(secret))).toBe("proof-locked");
    const [row] = await asSuperuser<{ left: number }>(
      url,
      "select extract(epoch from locked_until - clock_timestamp())::float8 as left from lifeboat.proof_entry order by version desc limit 1",
    );
    expect(row?.left).toBeGreaterThan(14 * 60);
    expect(row?.left).toBeLessThanOrEqual(15 * 60);
    await secondFactorsBecome(store, [vera], (row) => ({ ...row, lockedUntil: new Date() }));
    expect(await check(shows(secret))).toBe("ok");
  });

  test("a right one forgives the wrong ones before it", async () => {
    const secret = await enrolled();
    for (let n = 0; n < 4; n++) await check(wrongFor(secret));
    expect(await check(shows(secret))).toBe("ok");
    expect(await check(wrongFor(secret))).toBe("proof-wrong");
  });

  test("replaces what they have only with a code of it", async () => {
    const secret = await enrolled();
    const next = await mfa.begin([vera], "Vera");
    expect(codeOf(await mfa.confirm([vera], shows(next.secret), null, "again-1"))).toBe("proof-current-needed");
    expect(codeOf(await mfa.confirm([vera], shows(next.secret), wrongFor(secret), "again-2"))).toBe("proof-wrong");
    expect(await check(shows(secret, 0))).toBe("ok");
    expect(codeOf(await mfa.confirm([vera], shows(next.secret), shows(secret, 1), "again-3"))).toBe("ok");
    expect(await check(shows(next.secret, 1))).toBe("ok");
  });

  test("what is new, or newer than the question, counts only by someone's word, and by its age from then on", async () => {
    const counts = async (askedAt: Date | null = null) => {
      const found = await mfa.counts(vera, askedAt);
      return found.ok ? (found.vouchedBy ?? "by itself") : found.problem.code;
    };
    expect(await counts()).toBe("proof-not-enrolled");
    const secret = await enrolled();
    const now = new Date();
    const ages = (hours: number) =>
      secondFactorsBecome(store, [vera], (row) => ({ ...row, enrolledAt: hoursBefore(new Date(), hours) }));
    expect(await counts()).toBe("proof-new");
    await ages(23.9);
    expect(await counts()).toBe("proof-new");
    await ages(24);
    expect(await counts(now)).toBe("by itself");
    expect(await counts(new Date(now.getTime() - 25 * 3_600_000))).toBe("proof-new");
    await ages(1);
    await mfa.endorse([vera], "shop/oli");
    expect(await counts(now)).toBe("shop/oli");
    await ages(24);
    expect(await counts(now)).toBe("by itself");
    // A new phone, with a code of the old one: the same person. Enrolled again after it was taken away: no one yet.
    const next = await mfa.begin([vera], "Vera");
    expect(codeOf(await mfa.confirm([vera], shows(next.secret), shows(secret, 0), "again"))).toBe("ok");
    expect(await counts(now)).toBe("by itself");
    await createSecondFactors(store.pool, store.keyring).forget(vera);
    await enrolled();
    expect(await counts()).toBe("proof-new");
  });

  test("where the installation says so, what is new counts at once", async () => {
    await enrolled();
    const trusting = createTotp(createSecondFactors(store.pool, store.keyring), [key], { settleHours: 0 });
    expect(await trusting.counts(vera, new Date(0))).toEqual({ ok: true, vouchedBy: null });
  });

  test("what was shown more than ten minutes ago is not confirmed any more", async () => {
    const { secret } = await mfa.begin([vera], "Vera");
    await secondFactorsBecome(store, [vera], (row) => ({ ...row, pendingAt: hoursBefore(row.pendingAt, 601 / 3600) }));
    expect(codeOf(await mfa.confirm([vera], shows(secret), null, "late"))).toBe("proof-nothing-pending");
  });

  test("the secret stands nowhere in the clear, and another key reads nothing", async () => {
    const secret = await enrolled();
    const bytes = Buffer.from(Secret.fromBase32(secret).buffer);
    const rows = await asSuperuser<{ secret: Buffer }>(
      url,
      "select secret from lifeboat.proof_entry where secret is not null",
    );
    const [dump] = await asSuperuser<{ all: string }>(
      url,
      "select string_agg(p::text, ' ') as all from lifeboat.proof_entry p",
    );
    expect(rows[0]?.secret.includes(bytes)).toBe(false);
    expect(dump?.all).not.toContain(secret);
    expect(dump?.all).not.toContain(bytes.toString("hex"));
    const other = createTotp(createSecondFactors(store.pool, store.keyring), [randomBytes(32)]);
    expect(codeOf(await other.check(vera, shows(secret), "x"))).toBe("proof-unreadable");
  });

  test("a key is changed without enrolling again: the old one opens until each has proved with it once more", async () => {
    const { secret } = await mfa.begin([vera], "Vera");
    await mfa.confirm([vera], shows(secret, -1), null, "enroll");
    const next = randomBytes(32);
    const by = (keys: readonly Uint8Array[]) => createTotp(createSecondFactors(store.pool, store.keyring), keys);
    expect(codeOf(await by([next]).check(vera, shows(secret), "alone"))).toBe("proof-unreadable");
    expect(codeOf(await by([next, key]).check(vera, shows(secret), "both"))).toBe("ok");
    expect(codeOf(await by([next]).check(vera, shows(secret, 1), "new alone"))).toBe("ok");
  });

  test("without a key no one enrolls, and is told what to set", async () => {
    const closed = createTotp(createSecondFactors(store.pool, store.keyring), []);
    expect(closed.closed?.where).toBe("LIFEBOAT_SECRET_KEY");
    await expect(closed.begin([vera], "Vera")).rejects.toMatchObject({ problem: { code: "secret-key-missing" } });
  });

  test("on two rosters with one entry: both or neither", async () => {
    const both = [vera, "erp/vera"];
    const { secret } = await mfa.begin(both, "Vera");
    await mfa.confirm(both, shows(secret, -1), null, "enroll");
    expect(await mfa.enrolled(both)).toBe(true);
    expect(codeOf(await mfa.check("erp/vera", shows(secret), "a"))).toBe("ok");
    expect(await createSecondFactors(store.pool, store.keyring).forget(vera)).toBe(true);
    expect(await mfa.enrolled(both)).toBe(false);
  });
});
