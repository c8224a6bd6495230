import { z } from "zod";
import type { Check } from "../contract.ts";
import { defineLook } from "../read.ts";
import { nodeInput } from "./node.ts";
import { identityChecks, isPrimary, lookAt, type NodeView } from "./view.ts";

const input = z.strictObject({
  /** Every server that may hold newer data than the backup. */
  nodes: z.array(nodeInput).min(1).max(10),
});
type Input = z.infer<typeof input>;
type Seen = readonly NodeView[];

/**
 * Looks whether servers are really gone, before a backup that is older than what they hold is put in their place. Where one of
 * them answers, or is up and lets no one in, its data is the better way back, and its clients may still be writing.
 */
export const checkLost = defineLook<Input, Seen>({
  id: "postgres.check_lost",
  summary: "See that none of the PostgreSQL servers is left before an older backup takes their place",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 15 },
  observe: (ctx, { nodes }) => Promise.all(nodes.map((node) => lookAt(ctx, node))),
  facts: (seen) =>
    seen.map((view, i) => ({ id: `server${i + 1}`, label: view.name, value: sayNode(view), material: true })),
  checks: (seen) => [...identityChecks(...seen), ...seen.map(gone)],
  where: () => "postgres.check_lost",
  says: (seen) => `${seen.map(({ name }) => name).join(" and ")} are gone: nothing answers there.`,
});

/** "Does not answer" is the one thing that counts: a server that refuses us is up. */
function gone(view: NodeView, i: number): Check {
  const ok = !view.answers && view.kind === "unreachable";
  const says = ok
    ? `${view.name} does not answer.`
    : `${view.name} is ${sayNode(view)}. Its data is newer than any backup.`;
  const next = "Fail over to it, or restore into it.";
  // One that answers is healthy; one that refuses us has to be looked at.
  return {
    id: `server${i + 1}.gone`,
    level: "block",
    ok,
    says,
    next,
    ...(view.answers && { notNeeded: true as const }),
  };
}

function sayNode(view: NodeView): string {
  if (!view.answers) return view.kind === "refused" ? `up, and refuses connections (${view.why})` : "not answering";
  if (!isPrimary(view)) return "a standby";
  return view.readOnly ? "a fenced primary" : "a primary that takes writes";
}
