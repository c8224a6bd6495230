import type { PlannedCall } from "../contract.ts";
import { addressOf, type Node, nodeInput } from "./node.ts";

/** The other servers that calls of a plan name together with this one: of its cluster, as far as the plan knows. */
export function besides(node: Node, calls: readonly PlannedCall[]): readonly Node[] {
  const found = new Map<string, Node>();
  for (const { input } of calls) {
    const named = nodesIn(input);
    if (!named.some((one) => isSame(one, node))) continue;
    for (const one of named) if (!isSame(one, node)) found.set(addressOf(one).toLowerCase(), one);
  }
  return [...found.values()];
}

function nodesIn(input: unknown): readonly Node[] {
  if (typeof input !== "object" || input === null) return [];
  return Object.values(input)
    .flat()
    .flatMap((value) => {
      const parsed = nodeInput.safeParse(value);
      return parsed.success ? [parsed.data] : [];
    });
}

function isSame(a: Node, b: Node): boolean {
  return addressOf(a).toLowerCase() === addressOf(b).toLowerCase();
}
