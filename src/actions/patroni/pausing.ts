import { z } from "zod";
import { type Action, defineAction } from "../contract.ts";
import { until } from "../poll.ts";
import { inverse, nothing, undoneBy } from "../undo.ts";
import { clusterInput, command, resourceOf } from "./client.ts";
import { everyApi } from "./readiness.ts";
import { apiOf, type ClusterView, glance } from "./view.ts";

const input = z.strictObject({ cluster: clusterInput });
type Input = z.infer<typeof input>;

/** Maintenance mode on or off: one value in the configuration all members share. */
export function pausing(paused: boolean): Action<Input, ClusterView> {
  const [verb, other] = paused ? ["pause", "resume"] : ["resume", "pause"];
  return defineAction<Input, ClusterView>({
    id: `patroni.${verb}`,
    summary: paused ? "Keep Patroni from acting on a cluster by itself" : "Let Patroni act on a cluster again",
    input,
    risk: "reversible",
    repeat: "safe",
    budget: { typicalSeconds: 1, warnSeconds: 15, failSeconds: 60 },
    resources: ({ cluster }) => resourceOf(cluster),
    observe: (ctx, { cluster }) => glance(ctx, cluster),
    facts: (seen) => [
      { id: "leader", label: "Leader", value: seen.leader, material: true },
      { id: "paused", label: "Cluster is paused", value: seen.paused, material: false },
    ],
    ready: (seen) => [
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
    undo: undoneBy((before, { cluster }) =>
      before.members.length > 0 && before.paused === paused
        ? nothing(`${cluster.name} was ${paused ? "" : "not "}paused before.`)
        : inverse(`patroni.${other}`, { cluster }, `${paused ? "Resume" : "Pause"} Patroni on ${cluster.name}`),
    ),
  });
}
