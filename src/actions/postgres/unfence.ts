import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { type Check, defineAction, type Fact, type ReadContext, unfencedFact } from "../contract.ts";
import { until } from "../poll.ts";
import { inverse, nothing, undoneBy } from "../undo.ts";
import { withNode } from "./client.ts";
import { asLogin, loginInput, nodeInput, resourceOf } from "./node.ts";
import { probeWrite } from "./probe.ts";
import { identityChecks, isPrimary, isStandby, lookAt, type NodeView, silenceOf, splitBrain } from "./view.ts";

const input = z.strictObject({
  node: nodeInput,
  app: loginInput,
  /** The other server of the pair: while that one takes writes, this one must not. */
  other: nodeInput,
  /** More of the same cluster, where there are more than two. */
  others: z.array(nodeInput).max(7).default([]),
  /** Unplanned mode only: go on although a server that does not answer may take writes. */
  acceptUnreachable: z.boolean().default(false),
});
type Input = z.infer<typeof input>;
interface Seen {
  readonly node: NodeView;
  readonly others: readonly NodeView[];
}

/** Takes a fence away again: the way back when a switchover is given up before the promotion. */
export const unfence = defineAction<Input, Seen>({
  id: "postgres.unfence",
  summary: "Let the application write to a fenced PostgreSQL server again",
  input,
  risk: "reversible",
  service: "restores",
  opens: () => true,
  endsFence: true,
  repeat: "safe",
  budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 30 },
  resources: ({ node, other, others }) => [node, other, ...others].map(resourceOf),
  goesWithout: ({ acceptUnreachable }) => (acceptUnreachable ? ["other", "others"] : []),
  observe: look,
  facts: ({ node, others }, given) => [
    ...mayWrite(others, given),
    { id: "readOnly", label: `${node.name} is read-only`, value: node.answers ? node.readOnly : null, material: false },
    ...others.map((other, i) => ({
      id: `otherWrites${i === 0 ? "" : i + 1}`,
      label: `${other.name} takes writes`,
      value: takesWrites(other),
      material: true,
    })),
  ],
  ready: ({ node, others }, given) => [
    ...identityChecks(node, ...others),
    answers(node),
    ...others.flatMap((other) => [otherAnswers(other, given), sameCluster(node, other), otherIsQuiet(node, other)]),
  ],
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
    const others = await until(
      { what: `${node.name} taking writes again`, seconds: 10, everyMilliseconds: 50, signal: ctx.signal },
      async () => {
        const { node: seen, others: rest } = await look(ctx, given);
        const second = rest.find((other) => splitBrain(seen, other));
        if (second) throw twoPrimaries(seen, second);
        if (!seen.answers || seen.readOnly) return null;
        if (seen.role === "standby") return rest;
        return (await probeWrite(ctx, asLogin(node, given.app))).found === "writable" ? rest : null;
      },
    );
    return {
      says: `${node.name} carries no fence any more.`,
      facts: [...mayWrite(others, given), { id: "fenced", label: "Fenced", value: false, material: false }],
    };
  },
  undo: undoneBy(({ node: before }, { node, app }) => {
    if (isStandby(before)) return nothing(`${node.name} was a standby: it takes no writes without a fence either.`);
    if (before.answers && !before.readOnly) return nothing(`${node.name} carried no fence before.`);
    return inverse("postgres.fence", { node, app }, `Fence ${node.name} again`);
  }),
});

async function look(ctx: ReadContext, { node, other, others }: Input): Promise<Seen> {
  const [one, ...more] = await Promise.all([node, other, ...others].map((each) => lookAt(ctx, each)));
  return { node: one as NodeView, others: more };
}

function twoPrimaries(node: NodeView, other: NodeView): LifeboatError {
  return new LifeboatError({
    code: "two-primaries",
    where: node.name,
    what: `${node.name} and ${other.name} both take writes`,
    stateNow: "Two servers of one cluster take writes: what one of them accepts is lost",
    next: `Fence one of them now, by hand: on ${node.name}, alter system set default_transaction_read_only = on`,
  });
}

/** Silent is not quiet: a server that was promoted and can't be reached takes writes from the one who reaches it. */
function otherAnswers(other: NodeView, { acceptUnreachable }: Input): Check {
  const says = other.answers
    ? `${other.name} answers.`
    : acceptUnreachable
      ? `${other.name} does not answer: if it was promoted, two servers take writes. You accept this by approving.`
      : `${other.name} does not answer (${other.why}), so it can't be seen that it takes no writes.`;
  return {
    id: "other.answers",
    level: acceptUnreachable ? "warn" : "block",
    ok: other.answers,
    says,
    ...(!acceptUnreachable && { next: "Run it unplanned to accept that." }),
    ...silenceOf(other),
  };
}

/** A silent one may have been promoted: with this one open, two would take writes. */
function mayWrite(others: readonly NodeView[], { acceptUnreachable }: Input): readonly Fact[] {
  if (!acceptUnreachable) return [];
  return others.flatMap((other) => unfencedFact(!other.answers && other.kind === "unreachable" ? other.name : null));
}

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
      ? `${other.name} takes writes: opening ${node.name} too would be split brain.`
      : `No other primary takes writes.`,
    next: "Make it a standby instead.",
  };
}
