/** Work under keys: one at a time for each key. What is requested meanwhile is done once, after it. */
export interface SingleFlight {
  run(key: string): void;
  /** Resolves when nothing is in progress. */
  settled(): Promise<void>;
}

/** @param work must not reject: who asks for it isn't there any more to be told. */
export function singleFlight(work: (key: string) => Promise<void>): SingleFlight {
  const flights = new Map<string, { again: boolean; done: Promise<void> }>();

  function run(key: string): void {
    const before = flights.get(key);
    if (before !== undefined) {
      before.again = true;
      return;
    }
    const flight = { again: false, done: Promise.resolve() };
    flights.set(key, flight);
    flight.done = work(key).finally(() => {
      flights.delete(key);
      if (flight.again) run(key);
    });
  }

  return { run, settled: () => settled(() => [...flights.values()].map(({ done }) => done)) };
}

/** Work under keys that is not repeated: who asks for what is in progress gets nothing new. */
export interface Tasks {
  readonly size: number;
  has(key: string): boolean;
  /** Begins it, unless something is in progress under this key. `work` must not reject. */
  start(key: string, work: () => Promise<void>): void;
  settled(): Promise<void>;
}

export function createTasks(): Tasks {
  const underWay = new Map<string, Promise<void>>();
  return {
    get size() {
      return underWay.size;
    },
    has: (key) => underWay.has(key),
    start(key, work) {
      if (underWay.has(key)) return;
      underWay.set(
        key,
        work().finally(() => underWay.delete(key)),
      );
    },
    settled: () => settled(() => [...underWay.values()]),
  };
}

/** What ends may begin something more. */
async function settled(underWay: () => readonly Promise<void>[]): Promise<void> {
  for (let left = underWay(); left.length > 0; left = underWay()) await Promise.allSettled(left);
}
