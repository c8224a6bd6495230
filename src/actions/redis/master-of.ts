import type { ReadContext } from "../contract.ts";
import { addressOf, type Node } from "./node.ts";
import { isMaster, lookAt, type NodeView } from "./view.ts";

/**
 * Which of the servers of one place is the master now: Sentinels may have chosen another than the catalogue's first. All are
 * looked at; where none or more than one is a master, the first is meant.
 */
export async function lookForMaster(ctx: ReadContext, first: Node, others: readonly Node[] = []): Promise<NodeView> {
  const views = await Promise.all([first, ...others].map((node) => lookAt(ctx, node)));
  const masters = views.filter(isMaster);
  return (masters.length === 1 ? masters[0] : views[0]) as NodeView;
}

/** The server that was looked at, with its login. */
export function nodeOf({ address }: NodeView, first: Node, others: readonly Node[] = []): Node {
  return others.find((node) => addressOf(node) === address) ?? first;
}
