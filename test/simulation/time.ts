import { createRequire, syncBuiltinESMExports } from "node:module";
import type { Random } from "../support/random.ts";

/**
 * Time, randomness and timers of everything in this Node process, in place of the real ones: nothing happens but what is in the queue
 * of one `VirtualTime`, one after the other, so the same seed is the same run. Has to be installed before the sources are loaded.
 */
const real = { immediate: setImmediate, date: Date, clearTimeout, setTimeout };
/** 2031-03-03 03:00 UTC. */
const EPOCH = 1_930_273_200_000;

/** One process of the simulation: what belongs to it dies with it. */
export class Process {
  readonly name: string;
  isDead = false;
  /** Nothing of it happens before this moment. */
  frozenUntil = 0;
  /** Its wall clock, ahead of the true time, milliseconds. */
  wallAhead = 0;
  /** What it asked of anything outside so far. */
  asked = 0;
  /** It is killed at this request, before it is sent or after. */
  killAt = Number.POSITIVE_INFINITY;
  killAfterSending = false;
  /** Called once, when it is killed. */
  onKilled: () => void = () => {};
  constructor(name: string) {
    this.name = name;
  }

  /** To be called with each request to the outside. False: the process ended before it was sent. */
  sends(): boolean {
    if (this.isDead) return false;
    this.asked += 1;
    if (this.asked !== this.killAt) return true;
    this.kill();
    return this.killAfterSending;
  }

  kill(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.onKilled();
  }
}

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly owner: Process | null;
  readonly run: () => void;
  cancelled: boolean;
}

export class VirtualTime {
  /** Milliseconds since the run began. */
  now = 0;
  current: Process | null = null;
  /** Entries that were run. */
  steps = 0;
  readonly code: Random;
  readonly #heap: Entry[] = [];
  #order = 0;

  /** @param code what `Math.random` and the like draw from */
  constructor(code: Random) {
    this.code = code;
  }

  /** The true time, milliseconds since 1970. */
  get epoch(): number {
    return EPOCH + this.now;
  }

  /** @returns takes it back */
  after(ms: number, owner: Process | null, run: () => void): () => void {
    const wait = Number.isFinite(ms) ? Math.max(0, ms) : 0;
    const entry = { at: this.now + wait, order: ++this.#order, owner, run, cancelled: false };
    this.#push(entry);
    return () => {
      entry.cancelled = true;
    };
  }

  /** Lets what is due happen, until that moment. What a process does before it waits again is one step. */
  async until(moment: number, isOver: () => boolean = () => false): Promise<void> {
    while (!isOver()) {
      const entry = this.#heap[0];
      if (entry === undefined || entry.at > moment) {
        this.now = Math.max(this.now, moment);
        return;
      }
      this.#pop();
      if (entry.cancelled || entry.owner?.isDead) continue;
      if (entry.owner !== null && entry.owner.frozenUntil > entry.at) {
        this.#push({ ...entry, at: entry.owner.frozenUntil, order: entry.order });
        continue;
      }
      this.now = Math.max(this.now, entry.at);
      this.steps += 1;
      this.current = entry.owner;
      entry.run();
      await new Promise<void>((done) => real.immediate(done));
      this.current = null;
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent] as Entry)) break;
      heap[at] = heap[parent] as Entry;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
      if (!before(heap[child] as Entry, last)) break;
      heap[at] = heap[child] as Entry;
      at = child;
    }
    heap[at] = last;
  }
}

function before(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

let world: VirtualTime | null = null;

/** From here on this is the time of this Node process; null: the real one again. */
export function timeIs(time: VirtualTime | null): void {
  world = time;
}

const here = (): VirtualTime => {
  if (world === null) throw new Error("Nothing is simulated now.");
  return world;
};

class Timer {
  #stop: () => void = () => {};
  readonly #run: () => void;
  readonly #ms: number;
  readonly #owner: Process | null;
  readonly #repeats: boolean;
  constructor(run: () => void, ms: number, repeats: boolean) {
    this.#run = run;
    this.#ms = Math.max(1, Number(ms) || 1);
    this.#owner = here().current;
    this.#repeats = repeats;
    this.#begin();
  }
  #begin(): void {
    this.#stop = here().after(this.#ms, this.#owner, () => {
      if (this.#repeats) this.#begin();
      this.#run();
    });
  }
  stop(): void {
    this.#stop();
  }
  refresh(): this {
    this.#stop();
    this.#begin();
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
}

const stop = (timer: unknown) => (timer instanceof Timer ? timer.stop() : real.clearTimeout(timer as NodeJS.Timeout));
const wall = () => (world === null ? real.date.now() : world.epoch + (world.current?.wallAhead ?? 0));

function pause<T>(ms = 1, value?: T, options: { readonly signal?: AbortSignal } = {}): Promise<T> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    const aborted = () => {
      timer?.stop();
      reject(new DOMException("The operation was aborted", "AbortError"));
    };
    let timer: Timer | undefined;
    if (signal?.aborted) return aborted();
    signal?.addEventListener("abort", aborted, { once: true });
    timer = new Timer(
      () => {
        signal?.removeEventListener("abort", aborted);
        resolve(value as T);
      },
      ms,
      false,
    );
  });
}

/** The same as the real ones while nothing is simulated. */
export function install(): void {
  const require = createRequire(import.meta.url);
  const timers = {
    setTimeout: (run: (...args: unknown[]) => void, ms: number, ...args: unknown[]) =>
      world === null ? real.setTimeout(run, ms, ...args) : new Timer(() => run(...args), ms, false),
    setInterval: (run: (...args: unknown[]) => void, ms: number, ...args: unknown[]) =>
      new Timer(() => run(...args), ms, true),
    setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) =>
      world === null ? real.immediate(run, ...args) : new Timer(() => run(...args), 1, false),
    clearTimeout: stop,
    clearInterval: stop,
    clearImmediate: stop,
  };
  Object.assign(globalThis, timers);
  Object.assign(require("node:timers"), timers);
  Object.assign(require("node:timers/promises"), {
    setTimeout: pause,
    setImmediate: (value: unknown, options?: { signal?: AbortSignal }) => pause(0, value, options),
  });
  globalThis.Date = new Proxy(real.date, {
    construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [wall()] : args, made),
    get: (target, name) => (name === "now" ? wall : Reflect.get(target, name)),
  });
  const steady = performance.now.bind(performance);
  Object.defineProperty(performance, "now", { value: () => (world === null ? steady() : world.now) });
  const random = Math.random.bind(Math);
  Math.random = () => (world === null ? random() : world.code.next());
  AbortSignal.timeout = (ms) => {
    const controller = new AbortController();
    const late = () => controller.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError"));
    if (world === null) real.setTimeout(late, ms).unref();
    else new Timer(late, ms, false);
    return controller.signal;
  };
  const crypto = require("node:crypto") as typeof import("node:crypto");
  const randomBytes = crypto.randomBytes.bind(crypto);
  const bytes = (length: number) =>
    world === null
      ? randomBytes(length)
      : Buffer.from(Array.from({ length }, () => (world as VirtualTime).code.int(256)));
  Object.assign(crypto, {
    randomBytes: bytes,
    randomUUID: () => {
      const hex = bytes(16).toString("hex");
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
    },
  });
  syncBuiltinESMExports();
}
