/**
 * The way between a process and the database: how long a request and its answer take, in which order they arrive, and what is
 * lost. The store in memory awaits nothing else, so the one who makes the link makes the interleaving.
 */
export interface Link {
  /**
   * Has `work` done at the database, in one step, and brings back its answer. `interactive`: the process takes part in it (a
   * decision), so it can't be done while that stands still.
   * @throws what a lost connection throws; `work` was done by then, or was not
   */
  ask<T>(what: string, work: () => T, interactive?: boolean): Promise<T>;
  /** Brings a notice of the database to the process, later or never. */
  notice(hear: () => void): void;
}

/** As `pg` rejects when a connection ends before the answer. */
export function lostConnection(): Error {
  return Object.assign(new Error("Connection terminated unexpectedly"), { code: "ECONNRESET" });
}

/** Request and answer each take so many turns of the event loop as `turns` says. Nothing is lost. */
export function turningLink(turns: () => number): Link {
  const pass = async () => {
    for (let left = turns(); left > 0; left--) await new Promise<void>((next) => setImmediate(next));
  };
  return {
    async ask(_what, work) {
      await pass();
      const answer = work();
      await pass();
      return answer;
    },
    notice: (hear) => void pass().then(hear),
  };
}
