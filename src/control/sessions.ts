import { randomBytes } from "node:crypto";
import { LIMITS, type Statement } from "./protocol.ts";

/** One command being asked for: from `hello` to `run`, once. */
export interface Session {
  readonly nonce: string;
  /** Where it came in: `socket`, or the address of a caller over TLS. Every request of it has to come from there. */
  readonly from: string;
  /** Name and content of the file that says whose user it is; null: this way in doesn't ask. */
  readonly mfa: { readonly name: string; readonly mark: string } | null;
  readonly until: number;
  readonly opened: OpenedSession | null;
}

export interface OpenedSession {
  /** Of the caller on this machine; null: no one can tell. */
  readonly uid: number | null;
  readonly words: readonly string[];
  readonly as: string | null;
  readonly statement: { readonly value: Statement; readonly bytes: Buffer } | null;
}

export type Found = { readonly session: Session } | { readonly problem: "unknown" | "late" | "used" };

export interface Sessions {
  begin(from: string, asksOwner: boolean): Session | null;
  /** Takes it out: the one who goes on puts it back with `keep`. Two requests with one nonce are one, and a refusal. */
  take(nonce: string, from: string): Found;
  keep(session: Session, opened: OpenedSession): void;
}

const OPEN_MAX = 2_000;
const USED_MAX = 5_000;

/** @param now monotonic milliseconds */
export function createSessions(now: () => number = () => performance.now()): Sessions {
  const open = new Map<string, Session>();
  const used = new Set<string>();
  const forgetLate = () => {
    for (const [nonce, { until }] of open) if (until < now()) open.delete(nonce);
  };
  return {
    begin(from, asksOwner) {
      forgetLate();
      if (open.size >= OPEN_MAX) return null;
      const session: Session = {
        nonce: randomBytes(24).toString("base64url"),
        from,
        mfa: asksOwner ? { name: randomBytes(16).toString("hex"), mark: randomBytes(16).toString("hex") } : null,
        until: now() + LIMITS.openSeconds * 1000,
        opened: null,
      };
      open.set(session.nonce, session);
      return session;
    },
    take(nonce, from) {
      const session = open.get(nonce);
      if (session === undefined) return { problem: used.has(nonce) ? "used" : "unknown" };
      if (session.from !== from) return { problem: "unknown" };
      open.delete(nonce);
      used.add(nonce);
      for (const old of used) {
        if (used.size <= USED_MAX) break;
        used.delete(old);
      }
      return session.until < now() ? { problem: "late" } : { session };
    },
    keep(session, opened) {
      used.delete(session.nonce);
      open.set(session.nonce, { ...session, opened, until: now() + LIMITS.runSeconds * 1000 });
    },
  };
}
