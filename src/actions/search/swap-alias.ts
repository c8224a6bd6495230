import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { after, awaited } from "../awaited.ts";
import { type Check, type Done, defineAction, type Fact, type ReadContext } from "../contract.ts";
import { until } from "../poll.ts";
import { byHand, inverse, undoneBy } from "../undo.ts";
import {
  answers,
  answersFact,
  change,
  clusterInput,
  get,
  getIfThere,
  indexName,
  type Look,
  lookAt,
  resourceOf,
} from "./cluster.ts";
import { newestOf, numbered } from "./numbered.ts";

const input = z
  .strictObject({
    cluster: clusterInput,
    alias: indexName,
    /** An index by its name … */
    to: indexName.optional(),
    /** … or the newest that `search.restore` made under this name. */
    toNewestOf: indexName.optional(),
    /** The step that makes it. */
    after,
  })
  .refine(({ to, toNewestOf }) => (to === undefined) !== (toNewestOf === undefined), {
    message: "needs either to or toNewestOf",
  });
type Input = z.infer<typeof input>;

interface Found {
  readonly carriers: readonly string[];
  readonly target: string | null;
  readonly health: string | null;
  readonly count: number | null;
}
type Seen = Look<Found>;

/** Moves an alias from whatever carries it to another index: in one request, all of it or nothing. */
export const swapAlias = defineAction<Input, Seen>({
  id: "search.swap_alias",
  summary: "Move a search alias to another index, all at once",
  input,
  risk: "reversible",
  service: "restores",
  repeat: "safe",
  budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 30 },
  resources: ({ cluster, alias }) => [resourceOf(cluster, alias)],
  observe: look,
  facts: factsOf,
  ready: (seen, given, evidence) => [
    answers(seen, given.cluster),
    ...(seen.answers ? awaited([targetFit(seen, given)], given.after, evidence) : []),
  ],
  done(seen): Done {
    if (!seen.answers) return "unknown";
    return seen.target !== null && seen.carriers.join() === seen.target ? "yes" : "no";
  },
  async apply(ctx, { cluster, alias }, seen) {
    if (!seen.answers || seen.target === null) {
      throw new LifeboatError({
        code: "index-unseen",
        what: "The index was not seen",
        stateNow: `${alias} is where it was`,
      });
    }
    const removals = seen.carriers
      .filter((index) => index !== seen.target)
      .map((index) => ({ remove: { index, alias, must_exist: true } }));
    await change(ctx, cluster, "POST", "/_aliases", { actions: [...removals, { add: { index: seen.target, alias } }] });
    return { index: seen.target };
  },
  async verify(ctx, given) {
    const seen = await until(
      {
        what: `${given.alias} to be carried by its new index alone`,
        seconds: 15,
        everyMilliseconds: 200,
        signal: ctx.signal,
      },
      async () => {
        const now = await look(ctx, given);
        return now.answers && now.target !== null && now.carriers.join() === now.target ? now : null;
      },
    );
    const { count } = await get<{ count: number }>(ctx, given.cluster, `/${given.alias}/_count`);
    return {
      says: `${given.alias} is ${seen.target} and answers with ${count} documents.`,
      facts: [
        { id: "index", label: given.alias, value: seen.target, material: false },
        { id: "count", label: "Documents", value: count, material: false },
      ],
    };
  },
  undo: undoneBy((before, { cluster, alias }) => {
    const [to, ...more] = before.answers ? before.carriers : [];
    return to === undefined || more.length > 0
      ? byHand(`${alias} was not carried by exactly one index before: point it where it has to be.`)
      : inverse(
          "search.swap_alias",
          { cluster, alias, to },
          `Move ${alias} on ${cluster.name} back to ${to}`,
          `what was indexed by way of ${alias} since, until it is indexed again`,
        );
  }),
});

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const { cluster, alias, to, toNewestOf } = given;
  return await lookAt(ctx, cluster, async () => {
    const [carriers, target] = await Promise.all([
      getIfThere<Record<string, unknown>>(ctx, cluster, `/_alias/${alias}`),
      toNewestOf === undefined
        ? getIfThere<Record<string, unknown>>(ctx, cluster, `/${to}`).then((there) => (there ? (to ?? null) : null))
        : numbered(ctx, cluster, toNewestOf).then(newestOf),
    ]);
    const health = target && (await get<{ status: string }>(ctx, cluster, `/_cluster/health/${target}`)).status;
    const countable = target !== null && health !== "red";
    const count = countable ? (await get<{ count: number }>(ctx, cluster, `/${target}/_count`)).count : null;
    return { carriers: Object.keys(carriers ?? {}).sort(), target, health, count };
  });
}

function factsOf(seen: Seen, { cluster, alias }: Input): Fact[] {
  const found = seen.answers ? seen : null;
  return [
    answersFact(seen, cluster),
    { id: "carriers", label: `${alias} is carried by`, value: found?.carriers.join(", ") ?? null, material: true },
    // Not material: an earlier step of the same run may be what makes it.
    { id: "target", label: "Is moved to", value: found?.target ?? null, material: false },
  ];
}

function targetFit({ target, health, count }: Found, { to, toNewestOf, alias }: Input): Check {
  const id = "index.fit";
  const name = to ?? `an index made of ${toNewestOf}`;
  if (target === null) return { id, level: "block", ok: false, says: `There is no ${name} to move ${alias} to.` };
  const ok = health === "green" || health === "yellow";
  return {
    id,
    level: "block",
    ok,
    says: `${target} is ${health ?? "unknown"} and holds ${count ?? "an unknown number of"} documents.`,
  };
}
