/** Work of which one runs at a time, and that must not have been begun before it was requested. */
export interface OneAtATime {
  /** Resolves when work that began after the call is over. Calls while some runs share the next. Rejects as the work does. */
  run(): Promise<void>;
  /** Resolves when none runs and none is waited for, whatever became of it. */
  settled(): Promise<void>;
}

export function oneAtATime(work: () => Promise<void>): OneAtATime {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function run(): Promise<void> {
    if (running === undefined) {
      running = work().finally(() => {
        running = undefined;
      });
      return running;
    }
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined;
        return run();
      });
    return next;
  }

  return {
    run,
    async settled() {
      await (next ?? running)?.catch(() => {});
    },
  };
}
