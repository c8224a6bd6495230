import { setTimeout as sleep } from "node:timers/promises";
import type { Pod, Runtime, State } from "./nodes.ts";

export interface ImaginedPace {
  readonly startMs: number;
  readonly stopMs: number;
  readonly jobMs: number;
}

/** Containers that only say they run. An image with the tag `broken` can't be pulled; a Job's pod is done after a while. */
export function imagined({ startMs, stopMs, jobMs }: ImaginedPace): Runtime {
  let started = 0;
  return {
    async start(pod) {
      const since = performance.now();
      started++;
      return {
        address: `10.244.${Math.floor(started / 250) % 250}.${(started % 250) + 1}`,
        state: () => stateOf(pod, performance.now() - since),
        stop: (grace) => sleep(Math.min(stopMs, grace * 1000)),
      };
    },
  };

  function stateOf({ spec, metadata }: Pod, elapsedMs: number): State {
    const image = spec.containers[0]?.image ?? "";
    if (/:broken\b/.test(image))
      return { is: "waiting", reason: "ImagePullBackOff", message: `Back-off pulling image "${image}"` };
    if (elapsedMs < startMs) return { is: "waiting", reason: "ContainerCreating", message: "" };
    const isJob = metadata.ownerReferences?.some(({ kind }) => kind === "Job") ?? false;
    if (isJob && elapsedMs > jobMs) return { is: "ended", code: /:fails\b/.test(image) ? 1 : 0 };
    return { is: "running", ready: true, restarts: 0 };
  }
}
