import { LifeboatError } from "../../src/lib/errors.ts";
import type { FaultKind } from "../kit/faults.ts";

/** What can go wrong with it, in the order the panel offers it. One of `answers` at a time; the others add up. */
export const PAGER_FAULTS = [
  { what: "down", says: "Down", explains: "Connections are cut before anything is answered.", answers: true },
  { what: "hang", says: "Hang", explains: "Connections are accepted, and nothing is ever said.", answers: true },
  { what: "fail", says: "Fail with 500", explains: "It answers 500 and does nothing.", answers: true },
  {
    what: "failAfter",
    says: "Do it, then 500",
    explains: "It does what it was asked, and answers 500.",
    answers: true,
  },
  {
    what: "throttle",
    says: "Too many requests",
    explains: "It answers 429 and says when to come back.",
    answers: true,
  },
  { what: "lockOut", says: "Refuse the key", explains: "It answers 401: the key was revoked.", answers: true },
  { what: "nobody", says: "No one on call", explains: "It answers, and names no one.", answers: false },
  { what: "stranger", says: "A stranger on call", explains: "It names someone no roster knows.", answers: false },
  { what: "duplicate", says: "Webhooks twice", explains: "Every webhook is delivered a second time.", answers: false },
  { what: "forge", says: "Wrong signature", explains: "Webhooks are signed with another secret.", answers: false },
] as const;

export type PagerFault = (typeof PAGER_FAULTS)[number]["what"];

const FAULTS = ["down", "hang", "fail", "failAfter", "throttle"] as const satisfies readonly (PagerFault & FaultKind)[];

export class FaultInjection {
  readonly #now = new Set<PagerFault>();

  get now(): readonly PagerFault[] {
    return [...this.#now];
  }

  is(what: PagerFault): boolean {
    return this.#now.has(what);
  }

  /** What strikes every request to its API now. */
  fault(): { readonly kind: FaultKind } | null {
    const kind = FAULTS.find((one) => this.is(one));
    return kind === undefined ? null : { kind };
  }

  set(what: string, on: boolean): void {
    const found = PAGER_FAULTS.find((one) => one.what === what);
    if (found === undefined)
      throw new LifeboatError({
        code: "fault-unknown",
        what: `There is no fault called ${what}`,
        allowed: PAGER_FAULTS.map((one) => one.what).join(", "),
      });
    if (on && found.answers) for (const one of PAGER_FAULTS) if (one.answers) this.#now.delete(one.what);
    if (on) this.#now.add(found.what);
    else this.#now.delete(found.what);
  }

  calm(): void {
    this.#now.clear();
  }
}
