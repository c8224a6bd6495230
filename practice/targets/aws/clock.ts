/** Time as the stand-ins live it: everything AWS takes seconds for happens `scale` times as fast. */
export interface Clock {
  readonly scale: number;
  after(seconds: number, work: () => void | Promise<void>): void;
  stop(): void;
}

export function createClock(scale: number): Clock {
  const timers = new Set<NodeJS.Timeout>();
  return {
    scale,
    after(seconds, work) {
      const timer = setTimeout(
        () => {
          timers.delete(timer);
          void work();
        },
        seconds * 1000 * scale,
      );
      timers.add(timer);
    },
    stop() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
