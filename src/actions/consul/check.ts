import { z } from "zod";
import type { Check, Fact } from "../contract.ts";
import { defineLook } from "../read.ts";
import { answersFact, answersWithLeader, type ClusterView, clusterInput, type Look, lookAt } from "./cluster.ts";

const input = z.strictObject({
  cluster: clusterInput,
  /** Services that have to be registered. */
  services: z.array(z.string().min(1)).max(200).default([]),
});
type Input = z.infer<typeof input>;

/** Whether a Consul datacenter has a leader, enough servers, and the services it should know. */
export const check = defineLook<Input, Look<ClusterView>>({
  id: "consul.check",
  summary: "See whether Consul has a leader, enough servers and its services",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 30 },
  observe: (ctx, { cluster }) => lookAt(ctx, cluster),
  facts: factsOf,
  checks: checksOf,
  where: ({ cluster }) => cluster.name,
  says(seen, { cluster }) {
    const of = seen.answers ? `${seen.services.length} services and ${seen.keys} keys` : "nothing";
    return `${cluster.name} is well and knows ${of}.`;
  },
});

function factsOf(seen: Look<ClusterView>, { cluster }: Input): Fact[] {
  const found = seen.answers ? seen : null;
  return [
    answersFact(seen, cluster),
    { id: "version", label: "Consul", value: found?.version ?? null, material: false },
    { id: "failureTolerance", label: "Servers it may lose", value: found?.failureTolerance ?? null, material: false },
    { id: "services", label: "Services", value: found?.services.length ?? null, material: false },
    { id: "keys", label: "Keys", value: found?.keys ?? null, material: false },
    { id: "critical", label: "Failing checks", value: found?.critical.join(", ") ?? null, material: false },
  ];
}

function checksOf(seen: Look<ClusterView>, { cluster, services }: Input): Check[] {
  const begun = answersWithLeader(seen, cluster);
  if (!seen.answers) return begun;
  const missing = services.filter((name) => !seen.services.includes(name));
  return [
    ...begun,
    {
      id: "cluster.healthy",
      level: "block",
      ok: seen.healthy === true,
      says:
        seen.healthy === true
          ? `It may lose ${seen.failureTolerance} more servers.`
          : `Autopilot ${seen.healthy === null ? "can't be asked" : "finds it unhealthy"}.`,
    },
    {
      id: "services.known",
      level: "block",
      ok: missing.length === 0,
      says: missing.length === 0 ? "Every service named is registered." : `${missing.join(", ")} is not registered.`,
    },
    {
      id: "checks.passing",
      level: "warn",
      ok: seen.critical.length === 0,
      says: seen.critical.length === 0 ? "No check fails." : `Checks fail: ${seen.critical.join(", ")}.`,
    },
  ];
}
