import { setTimeout as pause } from "node:timers/promises";
import type { SystemEnvironment, Writer } from "../environment/system-environment.ts";

/** What must be true of the world while runbooks are played, whatever they say of themselves. */
export type InvariantRule =
  /** Two servers of one database take writes at the same time. */
  | "one-writer"
  /** A server takes writes after its fence was verified and before a later step opened it again. */
  | "fence-holds"
  /** A run ended verified, and a customer's transaction does not succeed. */
  | "users-served"
  /** A run reported another number of lost rows than are missing. */
  | "loss-reported";

export interface Violation {
  readonly rule: InvariantRule;
  /** When it was seen, ISO 8601. */
  readonly at: string;
  /** What was seen, a sentence. */
  readonly saw: string;
}

export type ObservedState = Pick<SystemEnvironment, "writers" | "healthy" | "ledger" | "writeOff">;

/** A step of a run that closed or opened servers. */
export interface Mark {
  readonly step: string;
  readonly does: "fence" | "open";
  /** When a fence was verified, or an opening step began; milliseconds since 1970 by this machine's clock. */
  readonly at: number;
  /** Of the servers it is about; `all`: it can't be said which. */
  readonly ports: readonly number[] | "all";
}

/** How a run ended, as far as the world can be held against it. */
export interface EndedRun {
  readonly runbook: string;
  readonly verified: boolean;
  /** False: it only looks, so it does not answer for how the world is. */
  readonly changes: boolean;
  /** Null: it measured none. */
  readonly rowsLost: number | null;
  readonly marks: readonly Mark[];
}

/** Looks at the world all the time, until it is stopped. */
export interface InvariantMonitor {
  /** In the order they were seen. */
  readonly violations: readonly Violation[];
  /**
   * Breaks something meanwhile. `returns`: it brings something back, and what takes writes because of it is what the next
   * run is for, so it is excused until that run has ended verified.
   */
  faultInjected(work: () => Promise<void>, returns: boolean): Promise<void>;
  /** A run is requested: from here on what happens is its doing. */
  begins(): Promise<void>;
  /** Holds the world against a run that is over. Resolves when that is looked at. */
  ended(run: EndedRun): Promise<void>;
  stop(): Promise<void>;
}

export interface MonitorOptions {
  /** Between two looks; 100 ms if left out. */
  readonly everyMs?: number;
  /** How long after a verified run users may still be without service: a name's old answer is kept for some seconds. 5 s if left out. */
  readonly servedWithinMs?: number;
}

/** A server was seen taking writes at some moment between question and answer, milliseconds since 1970. */
interface Seen {
  readonly port: number;
  readonly name: string;
  readonly asked: number;
  readonly answered: number;
}

/** Begins to look at once. What takes writes by the first look is how the world was found, and excused as what returns is. */
export async function monitorInvariant(state: ObservedState, options: MonitorOptions = {}): Promise<InvariantMonitor> {
  const { everyMs = 100, servedWithinMs = 5000 } = options;
  const violations: Violation[] = [];
  const fences = new Map<number, { readonly at: number; readonly step: string }>();
  const excused = new Set<number>();
  /** Lost by a run that is over: people know it, and the next run answers for what is lost by it. */
  let known: readonly string[] = [];
  let seen: Seen[] = [];
  let excusing = true;
  let told = new Set<string>();
  let stopped = false;

  const violate = (rule: InvariantRule, saw: string, at = Date.now()) => {
    violations.push({ rule, at: new Date(at).toISOString(), saw });
  };

  const look = async (): Promise<ReadonlyMap<string, string>> => {
    const asked = Date.now();
    const writers = await state.writers();
    const answered = Date.now();
    seen.push(...writers.map(({ port, name }) => ({ port, name, asked, answered })));
    for (const port of excused) if (!writers.some((one) => one.port === port)) excused.delete(port);
    if (excusing) for (const { port } of doubled(writers)) excused.add(port);
    return namesOfDoubled(writers, excused);
  };

  const lookForTwo = async (): Promise<void> => {
    const first = await look();
    // Servers are asked one beside the other: who is seen before and after the other was seen takes writes together with it.
    const second = first.size === 0 ? first : await look();
    const sure = new Set([...first].flatMap(([base, names]) => (second.get(base) === names ? [names] : [])));
    for (const names of sure) if (!told.has(names)) violate("one-writer", `${names} take writes at the same time`);
    told = sure;
  };

  /** Looks never overlap: the loop's and those that are requested go one after the other. */
  let turn: Promise<void> = Promise.resolve();
  const lookNow = (): Promise<void> => {
    turn = turn.then(lookForTwo).catch(() => {});
    return turn;
  };

  const holdFences = (marks: readonly Mark[]) => {
    for (const { does, at, ports, step } of [...marks].sort((a, b) => a.at - b.at)) {
      for (const port of ports === "all" ? [...fences.keys()] : ports) {
        holdFence(port, at);
        if (does === "fence") fences.set(port, { at, step });
        else fences.delete(port);
      }
    }
    for (const port of [...fences.keys()]) holdFence(port, Number.POSITIVE_INFINITY);
    seen = [];
  };

  /** @param until when something else was done to the server, which may have opened it */
  const holdFence = (port: number, until: number) => {
    const fence = fences.get(port);
    if (fence === undefined || excused.has(port)) return;
    const broken = seen.find((one) => one.port === port && one.asked > fence.at && one.answered < until);
    if (broken === undefined) return;
    // Once is enough.
    fences.delete(port);
    violate("fence-holds", `${broken.name} takes writes although step ${fence.step} had fenced it`, broken.asked);
  };

  const holdUsers = async (runbook: string): Promise<void> => {
    const until = Date.now() + servedWithinMs;
    while (!(await state.healthy())) {
      if (Date.now() > until)
        return violate("users-served", `${runbook} ended verified, and no customer's transaction succeeds`);
      await pause(everyMs);
    }
  };

  const holdLosses = async ({ runbook, rowsLost }: EndedRun): Promise<void> => {
    const losses = await state.ledger().catch(() => null);
    if (losses === null) return;
    if (rowsLost !== null && rowsLost !== losses.lost)
      violate("loss-reported", `${runbook} reported ${rowsLost} lost rows, and ${losses.lost} are missing`);
    known = losses.lostIds;
  };

  await lookNow();
  excusing = false;
  const watching = (async () => {
    while (!stopped) {
      await pause(everyMs);
      await lookNow();
    }
  })();

  return {
    violations,
    async faultInjected(work, returns) {
      excusing = returns;
      await work();
      await lookNow();
    },
    async begins() {
      if (known.length > 0) await state.writeOff(known);
      known = [];
      await lookNow();
      excusing = false;
      for (const port of excused) fences.delete(port);
    },
    async ended(run) {
      if (run.verified && run.changes) excused.clear();
      await lookNow();
      holdFences(run.marks);
      if (!run.verified || !run.changes) return;
      await holdUsers(run.runbook);
      await holdLosses(run);
    },
    async stop() {
      stopped = true;
      await watching;
    },
  };
}

/** Writers of databases that have more than one. */
function doubled(writers: readonly Writer[]): readonly Writer[] {
  return writers.filter((one) => writers.some((other) => other !== one && other.database === one.database));
}

/** Databases with more than one writer, unless all of them are excused: by database, the writers' names. */
function namesOfDoubled(writers: readonly Writer[], excused: ReadonlySet<number>): ReadonlyMap<string, string> {
  const two = doubled(writers);
  const bases = new Set(two.filter(({ port }) => !excused.has(port)).map(({ database }) => database));
  return new Map(
    [...bases].map((base) => [
      base,
      two
        .filter(({ database }) => database === base)
        .map(({ name }) => name)
        .sort()
        .join(" and "),
    ]),
  );
}
