import { LifeboatError } from "../lib/errors.ts";
import type { RestAnswer } from "./rest.ts";

/** What an action speaks with an application or an agent of the platform's: `docs/contracts.md` says each of them. */
export const CONTRACTS = {
  transaction: "lifeboat.transaction/1",
  readonly: "lifeboat.readonly/1",
  settings: "lifeboat.settings/1",
  ledger: "lifeboat.ledger/1",
} as const;
export type Contract = (typeof CONTRACTS)[keyof typeof CONTRACTS];

/** Sent with every request, so that the other side may refuse what it does not speak. */
export function speaking(contract: Contract): Readonly<Record<string, string>> {
  return { "lifeboat-contract": contract };
}

/**
 * An endpoint that says another contract or version is not understood by guessing. One that says none is taken for the first
 * version: that is how they were before they had a name.
 *
 * @throws LifeboatError `contract-other`
 */
export function insistOn(contract: Contract, answer: Pick<RestAnswer, "contract">, where: string): void {
  if (answer.contract === null || answer.contract === contract) return;
  throw new LifeboatError({
    code: "contract-other",
    where,
    what: `It speaks ${answer.contract}, and this version of Lifeboat speaks ${contract}`,
    stateNow: "Nothing was sent but this question",
    next: "See docs/contracts.md, and bring both to one version",
  });
}
