import { kindNamed } from "./kinds.ts";
import type { ObjectStore } from "./store.ts";
import type { Thing, Tree } from "./thing.ts";

const autoscalers = kindNamed("horizontalpodautoscalers");
const SCALED = {
  Deployment: kindNamed("deployments"),
  StatefulSet: kindNamed("statefulsets"),
} as const;

/**
 * What the autoscaler of pods does without any metrics: it moves a count into its range, and sleeps where the count is 0.
 *
 * @see https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#implicit-maintenance-mode-deactivation
 */
export function autoscale(store: ObjectStore): void {
  for (const one of store.list(autoscalers)) moveInto(store, one);
}

function moveInto(store: ObjectStore, { metadata, spec = {} }: Thing): void {
  const { kind, name } = (spec.scaleTargetRef ?? {}) as { kind?: string; name?: string };
  const scaled = SCALED[kind as keyof typeof SCALED];
  const target = scaled && store.find(scaled, metadata.namespace, name ?? "");
  if (!target) return;
  const replicas = Number((target.spec as Tree).replicas ?? 1);
  const within = Math.min(Math.max(replicas, Number(spec.minReplicas ?? 1)), Number(spec.maxReplicas ?? replicas));
  if (replicas === 0 || within === replicas) return;
  store.write(scaled, { ...target, spec: { ...target.spec, replicas: within } });
}
