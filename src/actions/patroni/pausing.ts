import { z } from "zod";
import { type Action, defineAction, type ReadContext, unfencedFact } from "../contract.ts";
import { until } from "../poll.ts";
import { inverse, nothing, undoneBy } from "../undo.ts";
import { clusterInput, command, resourceOf } from "./client.ts";
import { lookOutside, noOtherWriter, type OutsideView, otherInput } from "./outside.ts";
import { everyApi } from "./readiness.ts";
import { apiOf, type ClusterView, glance, memberNamed } from "./view.ts";

const input = z.strictObject({
  cluster: clusterInput,
  /** Every other server that may take the writes of this database: while one does, Patroni is not let act again. */
  outside: z.array(otherInput).max(8).default([]),
  /** Unplanned mode only: go on although a server of `outside` does not answer and may take writes. */
  acceptUnreachable: z.boolean().default(false),
});
type Input = z.infer<typeof input>;

type Seen = ClusterView & {
  /** Empty where nothing is asked of them. */
  readonly outside?: readonly (OutsideView & { readonly mayBeAbsent?: boolean })[];
  /** PostgreSQL's system identifier; null: the leader can't be asked. */
  readonly systemId?: string | null;
  readonly standby?: boolean;
};

async function look(ctx: ReadContext, { cluster, outside }: Input, paused: boolean): Promise<Seen> {
  const seen = await glance(ctx, cluster);
  if (paused || outside.length === 0) return seen;
  const member = memberNamed(seen, seen.leader) ?? seen.members.find((one) => one.runs);
  const [own, ...others] = await Promise.all([
    member ? lookOutside(ctx, cluster, member) : null,
    ...outside.map((one) => lookOutside(ctx, cluster, one)),
  ]);
  return {
    ...seen,
    outside: (others as readonly OutsideView[]).map((one, i) => ({
      ...one,
      mayBeAbsent: outside[i]?.mayBeAbsent ?? false,
    })),
    systemId: own?.answers ? own.systemId : null,
    standby: seen.members.some(({ role }) => role === "standbyLeader"),
  };
}

/** Maintenance mode on or off: one value in the configuration all members share. */
export function pausing(paused: boolean): Action<Input, Seen> {
  const [verb, other] = paused ? ["pause", "resume"] : ["resume", "pause"];
  return defineAction<Input, Seen>({
    id: `patroni.${verb}`,
    summary: paused ? "Keep Patroni from acting on a cluster by itself" : "Let Patroni act on a cluster again",
    input,
    risk: "reversible",
    service: "aside",
    ...(!paused && { opens: () => true }),
    repeat: "safe",
    budget: { typicalSeconds: 1, warnSeconds: 15, failSeconds: 60 },
    goesWithout: ({ acceptUnreachable }) => (acceptUnreachable ? ["outside"] : []),
    resources: ({ cluster }) => resourceOf(cluster),
    observe: (ctx, given) => look(ctx, given, paused),
    facts: (seen, { acceptUnreachable }) => [
      ...(acceptUnreachable ? (seen.outside ?? []).filter((one) => !one.answers && !one.mayBeAbsent) : []).flatMap(
        (one) => unfencedFact(one.name),
      ),
      { id: "leader", label: "Leader", value: seen.leader, material: true },
      { id: "paused", label: "Cluster is paused", value: seen.paused, material: false },
    ],
    ready: (seen, { cluster, acceptUnreachable }) => [
      // A standby cluster takes no writes, no matter who does.
      ...(seen.standby
        ? []
        : noOtherWriter(
            seen.outside ?? [],
            { name: cluster.name, systemId: seen.systemId ?? null },
            acceptUnreachable,
          )),
      everyApi(seen),
      {
        id: "api.any",
        level: "block",
        ok: seen.apis.some((one) => one.answers),
        says: seen.apis.some((one) => one.answers) ? "Patroni answers." : "No member's API answers.",
      },
    ],
    done: (seen) => (seen.members.length === 0 ? "unknown" : seen.paused === paused ? "yes" : "no"),
    async apply(ctx, { cluster }, seen) {
      const body = { pause: paused ? true : null };
      const request = { base: apiOf(cluster, seen, seen.leader), method: "PATCH", path: "/config", body } as const;
      await command(ctx, cluster, request, 10);
      return {};
    },
    async verify(ctx, { cluster }) {
      let last: ClusterView | null = null;
      await until(
        {
          what: `${cluster.name} being ${verb}d`,
          seconds: ctx.budget.failSeconds / 2,
          everyMilliseconds: 250,
          signal: ctx.signal,
          stateNow: () => (last?.paused ? "It is paused" : "It is not paused"),
        },
        async () => {
          last = await glance(ctx, cluster);
          return last.members.length > 0 && last.paused === paused ? true : null;
        },
      );
      return {
        says: paused
          ? `${cluster.name} is paused: Patroni acts on nothing by itself.`
          : `Patroni acts on ${cluster.name} again.`,
        facts: [{ id: "paused", label: "Cluster is paused", value: paused, material: false }],
      };
    },
    undo: undoneBy((before, { cluster, outside }) =>
      before.members.length > 0 && before.paused === paused
        ? nothing(`${cluster.name} was ${paused ? "" : "not "}paused before.`)
        : inverse(
            `patroni.${other}`,
            { cluster, outside },
            `${paused ? "Resume" : "Pause"} Patroni on ${cluster.name}`,
          ),
    ),
  });
}
