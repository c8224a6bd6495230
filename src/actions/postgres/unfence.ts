import { z } from "zod";
import { type Check, defineAction } from "../contract.ts";
import { until } from "../poll.ts";
import { withNode } from "./client.ts";
import { asLogin, loginInput, nodeInput, resourceOf } from "./node.ts";
import { probeWrite } from "./probe.ts";
import { isPrimary, lookAt, type NodeView, silenceOf, splitBrain } from "./view.ts";

const input = z.strictObject({
  node: nodeInput,
  app: loginInput,
  /** The other server of the pair: while that one takes writes, this one must not. */
  other: nodeInput,
});
type Input = z.infer<typeof input>;
interface Seen {
  readonly node: NodeView;
  readonly other: NodeView;
}

/** Takes a fence away again: the way back when a switchover is given up before the promotion. */
export const unfence = defineAction<Input, Seen>({
  id: "postgres.unfence",
  summary: "Let the application write to a fenced PostgreSQL server again",
  input,
  risk: "reversible",
  repeat: "safe",
  budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 30 },
  resources: ({ node, other }) => [resourceOf(node), resourceOf(other)],
  async observe(ctx, { node, other }) {
    const [one, two] = await Promise.all([lookAt(ctx, node), lookAt(ctx, other)]);
    return { node: one, other: two };
  },
  facts: ({ node, other }) => [
    { id: "readOnly", label: `${node.name} is read-only`, value: node.answers ? node.readOnly : null, material: false },
    { id: "otherWrites", label: `${other.name} takes writes`, value: takesWrites(other), material: true },
  ],
  ready: ({ node, other }) => [answers(node), sameCluster(node, other), otherIsQuiet(node, other)],
  done: ({ node }) => (node.answers ? (node.readOnly ? "no" : "yes") : "unknown"),
  async apply(ctx, { node }) {
    await withNode(ctx, node, async (db) => {
      await db.query("alter system reset default_transaction_read_only");
      await db.query("select pg_reload_conf()");
    });
    return {};
  },
  async verify(ctx, given) {
    const { node } = given;
    await until(
      { what: `${node.name} taking writes again`, seconds: 10, everyMilliseconds: 50, signal: ctx.signal },
      async () => {
        const seen = await lookAt(ctx, node);
        if (!seen.answers || seen.readOnly) return null;
        if (seen.role === "standby") return true;
        return (await probeWrite(ctx, asLogin(node, given.app))).found === "writable" ? true : null;
      },
    );
    return {
      says: `${node.name} carries no fence any more.`,
      facts: [{ id: "fenced", label: "Fenced", value: false, material: false }],
    };
  },
  undo: (_before, { node }) => ({ possible: true, says: `postgres.fence on ${node.name}` }),
});

function takesWrites(view: NodeView): boolean | null {
  return view.answers ? isPrimary(view) && !view.readOnly : null;
}

function answers(node: NodeView): Check {
  return {
    id: "node.answers",
    level: "block",
    ok: node.answers,
    says: node.answers ? `${node.name} answers.` : `${node.name} does not answer: ${node.why}.`,
    ...silenceOf(node),
  };
}

/** Only of a server of the same cluster it says anything that it takes no writes. */
function sameCluster(node: NodeView, other: NodeView): Check {
  const foreign = node.answers && other.answers && node.systemId !== other.systemId;
  const says = foreign
    ? `${other.name} belongs to another cluster (${other.systemId}) than ${node.name} (${node.systemId}).`
    : `${other.name} is not of another cluster than ${node.name}, as far as it answers.`;
  return { id: "other.sameCluster", level: "block", ok: !foreign, says };
}

function otherIsQuiet(node: NodeView, other: NodeView): Check {
  const opened = node.answers ? { ...node, readOnly: false } : node;
  const split = splitBrain(opened, other);
  return {
    id: "splitBrain",
    level: "block",
    ok: !split,
    says: split
      ? `${other.name} takes writes: opening ${node.name} too would be split brain. Make it a standby instead.`
      : `No other primary takes writes.`,
  };
}
