import { pathToFileURL } from "node:url";
import { approval } from "./approval.ts";
import { fence } from "./fence.ts";
import { lease } from "./lease.ts";
import { type Searched, search } from "./search.ts";

/** Each with the guard, which has to hold, and with the historic bug, which has to fail. */
export const SPECIFICATIONS: readonly {
  readonly title: string;
  readonly guard: string;
  readonly holds: () => Searched;
  readonly bug: string;
  readonly fails: () => Searched;
}[] = [
  {
    title: "Claim and approval",
    guard: "the claim checks in the transaction that writes it",
    holds: () => search(approval({ atomic: true })),
    bug: "checked first, claimed later",
    fails: () => search(approval({ atomic: false })),
  },
  {
    title: "Lease and fencing",
    guard: "every write is checked against the epoch, and the lease is confirmed before a request",
    holds: () => search(lease({ fenced: true })),
    bug: "the holder trusts its own word",
    fails: () => search(lease({ fenced: false })),
  },
  {
    title: "Fence before promote",
    guard: "nothing is promoted unless the fence was seen, or people accepted it unfenced",
    holds: () => search(fence({ evidence: true })),
    bug: "a fence that was requested counts as a fence",
    fails: () => search(fence({ evidence: false })),
  },
];

/** What the searches found, as a page. */
export function page(): string {
  return SPECIFICATIONS.map(({ title, guard, holds, bug, fails }) =>
    [`${title}`, `  with the guard (${guard}): ${said(holds())}`, `  with the bug (${bug}): ${said(fails())}`, ""].join(
      "\n",
    ),
  ).join("\n");
}

function said({ states, counterexample }: Searched): string {
  if (counterexample === null) return `holds in all ${states} states`;
  const steps = counterexample.story.map((line, n) => `    ${n + 1}. ${line}`);
  return [`fails. ${counterexample.wrong}`, ...steps].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) process.stdout.write(page());
