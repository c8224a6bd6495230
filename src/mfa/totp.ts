import { randomBytes } from "node:crypto";
import { Secret, TOTP } from "otpauth";
import { LifeboatError, type Problem } from "../lib/errors.ts";
import type { SecondFactorRow, SecondFactors } from "../timeline/second-factors.ts";
import { seal, unsealByAny } from "./sealed.ts";
import type { CodeSource, Counts, SecondFactor, Verdict } from "./second-factor.ts";

/** What every authenticator understands. @see https://www.rfc-editor.org/rfc/rfc6238 */
const PERIOD_SECONDS = 30;
const SECRET_BYTES = 20;
/** Codes of the step before and after count too: phones and servers differ by a little. */
const WINDOW = 1;
const TRIES = 5;
const LOCK_SECONDS = 15 * 60;
const PENDING_SECONDS = 10 * 60;

/** The first seals, all of them open. */
type Keys = readonly [Uint8Array, ...Uint8Array[]];

/**
 * `keys`: 32 bytes each (`LIFEBOAT_SECRET_KEY`): the first keeps secrets, the others are what it was before, and what they kept is kept
 * again when it is next proved with. Empty: there is none, and no one can enroll or prove anything.
 */
export function createTotp(
  proofs: SecondFactors,
  [first, ...earlier]: readonly Uint8Array[],
  { issuer = "Lifeboat", settleHours = 24 }: { readonly issuer?: string; readonly settleHours?: number } = {},
): SecondFactor {
  const keysOrStop = (): Keys => {
    if (first === undefined) throw new LifeboatError(NO_KEY);
    return [first, ...earlier];
  };
  return {
    method: "TOTP",
    settleHours,
    closed: first === undefined ? NO_KEY : null,
    async enrolled(holders) {
      return holders.length > 0 && (await proofs.confirmed(holders)).size === new Set(holders).size;
    },

    async begin(holders, label) {
      const bytes = randomBytes(SECRET_BYTES);
      const [own] = keysOrStop();
      await proofs.change(holders, (rows, now) => ({
        rows: mapped(rows, (row, holder) => ({ ...row, pending: seal(own, holder, bytes), pendingAt: now })),
        value: null,
      }));
      const totp = totpOf(bytes);
      totp.issuer = issuer;
      // The issuer is said once, as a parameter: its QR code has to fit a phone's width.
      totp.issuerInLabel = false;
      totp.label = label;
      return { secret: totp.secret.base32, uri: shortUri(totp) };
    },

    confirm(holders, code, current, request, from = "slack") {
      const own = keysOrStop();
      return proofs.change(withCounters(holders, from), (rows, now, realNow) => {
        const judged = holders.map((holder) => {
          const row = counting(rows, holder, from);
          return confirmed(own, holder, row, code, current, request, { now, realNow });
        });
        const no = judged.find(({ verdict }) => !verdict.ok);
        const kept = judged.filter(({ verdict }) => no === undefined || !verdict.ok);
        return { rows: apart(rows, kept, from), value: no?.verdict ?? { ok: true } };
      });
    },

    counts(holder, askedAt) {
      return proofs.change([holder], (rows, now) => {
        const row = rows.get(holder);
        return { rows, value: counted(row, askedAt, now, settleHours) };
      });
    },

    async endorse(holders, by) {
      await proofs.change(holders, (rows) => ({
        rows: mapped(rows, (row) => (row.secret === null ? row : { ...row, vouchedBy: by })),
        value: null,
      }));
    },

    check(holder, code, request, from = "slack") {
      const own = keysOrStop();
      return proofs.change(withCounters([holder], from), (rows, now, realNow) => {
        const clocks = { now, realNow };
        const checked = tried(own, holder, counting(rows, holder, from), code, request, clocks);
        return { rows: apart(rows, [checked], from), value: checked.verdict };
      });
    },
  };
}

/** Under which name wrong codes from the command line are counted; those from Slack stand in the holder's own row. */
export function counterOf(holder: string, from: CodeSource): string {
  return from === "slack" ? holder : `${from}:${holder}`;
}

function withCounters(holders: readonly string[], from: CodeSource): readonly string[] {
  return [...new Set(holders.flatMap((holder) => [holder, counterOf(holder, from)]))];
}

/** What is kept for a holder, with the wrong codes that count where this one was typed. */
function counting(rows: ReadonlyMap<string, SecondFactorRow>, holder: string, from: CodeSource): SecondFactorRow {
  const [row, counter] = [rows.get(holder), rows.get(counterOf(holder, from))];
  if (row === undefined || counter === undefined) throw new Error(`${holder} was not locked.`);
  return { ...row, failures: counter.failures, lockedUntil: counter.lockedUntil };
}

function apart(
  rows: ReadonlyMap<string, SecondFactorRow>,
  judged: readonly Judged[],
  from: CodeSource,
): ReadonlyMap<string, SecondFactorRow> {
  const kept = new Map<string, SecondFactorRow>();
  for (const { holder, row } of judged) {
    const { failures, lockedUntil } = row;
    const [own, counter] = [rows.get(holder), rows.get(counterOf(holder, from))];
    if (own === undefined || counter === undefined) continue;
    kept.set(holder, { ...row, failures: own.failures, lockedUntil: own.lockedUntil });
    const base = counter === own ? row : counter;
    kept.set(counterOf(holder, from), { ...base, failures, lockedUntil });
  }
  return kept;
}

function counted(row: SecondFactorRow | undefined, askedAt: Date | null, now: Date, settleHours: number): Counts {
  if (row === undefined || row.secret === null) return { ok: false, problem: NOT_ENROLLED };
  if (settleHours <= 0) return { ok: true, vouchedBy: null };
  const since = row.enrolledAt?.getTime() ?? now.getTime();
  const from = since + settleHours * 3_600_000;
  if (now.getTime() >= from && (askedAt === null || since <= askedAt.getTime())) return { ok: true, vouchedBy: null };
  if (row.vouchedBy !== null) return { ok: true, vouchedBy: row.vouchedBy };
  const [at, counts] = [new Date(since), new Date(from)].map(
    (one) => `${one.toISOString().slice(0, 16).replace("T", " ")} UTC`,
  );
  return {
    ok: false,
    problem: {
      code: "proof-new",
      what: `Your authenticator is new (${at}). It counts from ${counts}, for approvals requested after it was set up`,
      next: "Ask a colleague with an authenticator to vouch for you: `/dr vouch @you`",
    },
  };
}

/** The store's clock, and real time, which authenticators show codes by. */
interface Clocks {
  readonly now: Date;
  readonly realNow: Date;
}

interface Judged {
  readonly holder: string;
  readonly row: SecondFactorRow;
  readonly verdict: Verdict;
}

/** One try with the confirmed secret: counted, locked after five wrong ones, and no code twice. */
function tried(
  keys: Keys,
  holder: string,
  row: SecondFactorRow,
  code: string,
  request: string,
  clocks: Clocks,
): Judged {
  const { now, realNow } = clocks;
  const no = (problem: Problem, after: SecondFactorRow = row): Judged => ({
    holder,
    row: after,
    verdict: refused(problem),
  });
  if (row.secret === null) return no(NOT_ENROLLED);
  if (row.lockedUntil !== null && now < row.lockedUntil) return no(locked(row.lockedUntil));
  const opened = unsealByAny(keys, holder, row.secret);
  if (opened === null) return no(UNREADABLE);
  const step = stepOf(opened.secret, code, realNow);
  if (step === null) return wrong(holder, row, now);
  if (step === row.lastStep && row.lastKey === request) return { holder, row, verdict: { ok: true } };
  if (step <= row.lastStep) return no(USED);
  const secret = opened.old ? seal(keys[0], holder, opened.secret) : row.secret;
  const after = { ...row, secret, lastStep: step, lastKey: request, failures: 0, lockedUntil: null };
  return { holder, row: after, verdict: { ok: true } };
}

function wrong(holder: string, row: SecondFactorRow, now: Date): Judged {
  const failures = row.failures + 1;
  if (failures < TRIES) {
    const left = TRIES - failures;
    const problem = {
      ...WRONG,
      allowed: `${left} ${left === 1 ? "try" : "tries"} left before it locks`,
    };
    return { holder, row: { ...row, failures }, verdict: refused(problem) };
  }
  const lockedUntil = new Date(now.getTime() + LOCK_SECONDS * 1000);
  const verdict: Verdict = { ok: false, problem: locked(lockedUntil), locked: lockedUntil };
  return { holder, row: { ...row, failures: 0, lockedUntil }, verdict };
}

/** The first code of the new secret; where there was one before, a code of that as well. */
function confirmed(
  keys: Keys,
  holder: string,
  row: SecondFactorRow,
  code: string,
  current: string | null,
  request: string,
  clocks: Clocks,
): Judged {
  const { now, realNow } = clocks;
  const no = (problem: Problem): Judged => ({ holder, row, verdict: refused(problem) });
  const pending = row.pending === null ? null : (unsealByAny(keys, holder, row.pending)?.secret ?? null);
  const waited = now.getTime() - (row.pendingAt?.getTime() ?? 0);
  if (row.pending === null || pending === null || waited > PENDING_SECONDS * 1000) return no(NOTHING_PENDING);
  if (row.secret !== null) {
    if (current === null || current.trim() === "") return no(CURRENT_NEEDED);
    const before = tried(keys, holder, row, current, request, clocks);
    if (!before.verdict.ok) return before;
  }
  const step = stepOf(pending, code, realNow);
  if (step === null) return no({ ...WRONG, next: "Use the code of the new entry" });
  const { pending: secret } = row;
  // With a code of the one before it is the same person; without one there is no one yet who says so.
  const age = row.secret === null ? { enrolledAt: now, vouchedBy: null } : {};
  const after = { ...row, ...age, secret, pending: null, pendingAt: null, lastStep: step, lastKey: request };
  return { holder, row: { ...after, failures: 0, lockedUntil: null }, verdict: { ok: true } };
}

/** The time step (seconds since 1970 by 30) whose code this is, the one before and after included; null: none of them. */
export function stepOf(secret: Uint8Array, code: string, now: Date): number | null {
  const token = code.replace(/\s/g, "");
  if (!/^\d{6}$/.test(token)) return null;
  const timestamp = now.getTime();
  const delta = totpOf(secret).validate({ token, timestamp, window: WINDOW });
  return delta === null ? null : Math.floor(timestamp / 1000 / PERIOD_SECONDS) + delta;
}

function totpOf(secret: Uint8Array): TOTP {
  const { buffer, byteOffset, byteLength } = secret;
  const bytes = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  return new TOTP({ algorithm: "SHA1", digits: 6, period: PERIOD_SECONDS, secret: new Secret({ buffer: bytes }) });
}

/** Without what every authenticator takes for given, so that its QR code is small. @see https://github.com/google/google-authenticator/wiki/Key-Uri-Format */
function shortUri(totp: TOTP): string {
  const uri = new URL(totp.toString());
  for (const name of ["algorithm", "digits", "period"]) uri.searchParams.delete(name);
  return uri.href.replaceAll("+", "%20");
}

function mapped(
  rows: ReadonlyMap<string, SecondFactorRow>,
  change: (row: SecondFactorRow, holder: string) => SecondFactorRow,
): ReadonlyMap<string, SecondFactorRow> {
  return new Map([...rows].map(([holder, row]) => [holder, change(row, holder)]));
}

function refused(problem: Problem): Verdict {
  return { ok: false, problem };
}

function locked(until: Date): Problem {
  return {
    code: "proof-locked",
    what: `Locked after ${TRIES} wrong codes, until ${until.toISOString().slice(11, 16)} UTC`,
    allowed: "Until then another approver can decide. Slack and the command line are locked separately",
  };
}

const NO_KEY: Problem = {
  code: "secret-key-missing",
  where: "LIFEBOAT_SECRET_KEY",
  what: "LIFEBOAT_SECRET_KEY isn't set, so authenticators can't be used",
  allowed: "32 random bytes in base64",
  next: "An administrator sets it (openssl rand -base64 32) and restarts the bot",
};
const NOT_ENROLLED: Problem = {
  code: "proof-not-enrolled",
  what: "You have no authenticator set up",
  next: "Set one up: `/dr enroll`",
};
const WRONG: Problem = { code: "proof-wrong", what: "Wrong or expired code", next: "Try the next one" };
const USED: Problem = {
  code: "proof-used",
  what: "This code was already used",
  next: "Wait for the next code, at most 30 s",
};
const NOTHING_PENDING: Problem = {
  code: "proof-nothing-pending",
  what: "No setup is open, or it's older than ten minutes",
  next: "`/dr enroll` starts over",
};
const CURRENT_NEEDED: Problem = {
  code: "proof-current-needed",
  what: "You already have an authenticator. Replacing it needs a code of the current one",
  allowed: "Lost it? An administrator can remove it: lifeboat unenroll <system>/<person>",
};
const UNREADABLE: Problem = {
  code: "proof-unreadable",
  where: "LIFEBOAT_SECRET_KEY",
  what: "Your authenticator can't be read with this key",
  next: "An operator adds the old key: `LIFEBOAT_SECRET_KEY=<new>,<old>`. Or: lifeboat unenroll, then `/dr enroll`",
};
