import type { Store } from "../../src/timeline/index.ts";

const READS = ["read", "streams", "heads", "liveStreams", "streamOfRun", "planOf"] as const;

/** The same store; every read of its timeline is noted in `reads`, with what was read. */
export function counted(store: Store): { readonly store: Store; readonly reads: string[] } {
  const reads: string[] = [];
  const timeline = { ...store.timeline };
  for (const name of READS) {
    const read = timeline[name] as (...given: unknown[]) => unknown;
    Object.assign(timeline, {
      [name]: (...given: unknown[]) => {
        reads.push(name);
        return read(...given);
      },
    });
  }
  return { store: { ...store, timeline }, reads };
}
