import { z } from "zod";
import { type Action, defineAction } from "../../src/actions/contract.ts";
import { inverse, nothingToUndo, undoneBy, undoneByHand } from "../../src/actions/undo.ts";
import type { Repeat, Risk } from "../../src/catalog/types.ts";
import type { Random } from "../support/random.ts";
import type { Process, VirtualTime } from "./time.ts";

/** What became of one request of an action: kept by the target, whatever the process was answered. */
export interface Effect {
  /** When the target heard it, and when it was sent, milliseconds since the run began. */
  readonly at: number;
  readonly sentAt: number;
  readonly process: string;
  readonly action: string;
  readonly target: string;
  readonly value: string;
}

/** What a process was shown when it looked at a target, and when the target was asked. */
export interface Looked {
  readonly at: number;
  readonly process: string;
  readonly target: string;
  readonly value: string | null;
}

/** A call that the target never answers. */
export interface Hung {
  readonly process: Process;
  readonly what: string;
  readonly since: number;
  endedAt: number | null;
}

const FATES = ["request lost", "answer lost", "late", "hangs", "hangs after the effect", "refused"] as const;
/** What is told apart only by looking is as frequent as all else. */
const FATES_OF_CHANGES = [
  ...FATES,
  ...(["answered and not done", "answered and not done", "answered and not done"] as const),
  ...(["its sender dies", "its sender dies", "its sender dies"] as const),
] as const;

/** The systems outside, and the ledger of what really happened to them. */
export class World {
  readonly ledger: Effect[] = [];
  /** Looks that were answered. */
  readonly looks: Looked[] = [];
  readonly hung: Hung[] = [];
  readonly history: { readonly at: number; readonly target: string; readonly value: string }[] = [];
  readonly #values = new Map<string, string>();
  /** Share of calls that go wrong; 0: all is well. */
  trouble = 0;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #note: (fault: string) => void;

  constructor(time: VirtualTime, random: Random, note: (fault: string) => void) {
    this.#time = time;
    this.#random = random;
    this.#note = note;
  }

  value(target: string): string | null {
    return this.#values.get(target) ?? null;
  }

  /** A look at a target. */
  look(target: string, signal: AbortSignal): Promise<string | null> {
    const { name } = this.#process();
    return this.#call(`look at ${target}`, signal, false, (isAnswered) => {
      const value = this.value(target);
      if (isAnswered) this.looks.push({ at: this.#time.now, process: name, target, value });
      return value;
    });
  }

  /** Someone else changes a target, by hand. */
  drift(target: string): void {
    this.#note("target: changed by hand");
    this.#values.set(target, "by hand");
    this.history.push({ at: this.#time.now, target, value: "by hand" });
  }

  /** A request that changes a target: heard at most once, answered perhaps. */
  change(
    action: string,
    target: string,
    next: (before: string | null) => string,
    signal: AbortSignal,
  ): Promise<string> {
    const process = this.#process();
    const sentAt = this.#time.now;
    return this.#call(`${action} ${target}`, signal, true, () => {
      const value = next(this.value(target));
      this.#values.set(target, value);
      this.history.push({ at: this.#time.now, target, value });
      this.ledger.push({ at: this.#time.now, sentAt, process: process.name, action, target, value });
      return value;
    });
  }

  #call<T>(what: string, signal: AbortSignal, changes: boolean, work: (isAnswered: boolean) => T): Promise<T> {
    const time = this.#time;
    const process = this.#process();
    const random = this.#random;
    if (!process.sends()) return new Promise(() => {});
    const fate = random.chance(this.trouble) ? random.one(changes ? FATES_OF_CHANGES : FATES) : "well";
    if (fate !== "well") this.#note(`target: ${fate}`);
    const wait = random.between(5, 80) + (fate === "late" ? random.between(500, 6_000) : 0);
    const back = random.between(5, 80);
    return new Promise((resolve, reject) => {
      const stop = () => reject(signal.reason);
      signal.addEventListener("abort", stop, { once: true });
      const answer = (tell: () => void) => time.after(back, process, tell);
      if (fate === "hangs" || fate === "hangs after the effect") {
        const hung: Hung = { process, what, since: time.now, endedAt: null };
        this.hung.push(hung);
        signal.addEventListener("abort", () => {
          hung.endedAt = time.now;
        });
      }
      // What was sent arrives, whatever becomes of who sent it.
      time.after(wait, null, () => {
        if (fate === "hangs") return;
        if (fate === "request lost") return void answer(() => reject(lost()));
        if (fate === "refused") return void answer(() => reject(new Error("503 Try later")));
        if (fate === "answered and not done") return void answer(() => resolve(undefined as T));
        const done = work(fate === "well" || fate === "late");
        if (fate === "its sender dies") return process.kill();
        if (fate === "answer lost") return void answer(() => reject(lost()));
        if (fate !== "hangs after the effect") answer(() => resolve(done));
      });
    });
  }

  #process(): Process {
    const { current } = this.#time;
    if (current === null) throw new Error("Only a process calls a target.");
    return current;
  }
}

function lost(): Error {
  return Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
}

const input = z.strictObject({ target: z.string(), after: z.string().optional(), peer: z.string().optional() });
type Input = z.infer<typeof input>;
interface Seen {
  readonly value: string | null;
}

/** So long after a promotion its old primary is looked at. */
const WATCHED_SECONDS = 60;

/** One action of each kind there is, on targets of the simulated world. `world`: of the run that is in progress. */
export function actionsOn(world: () => World): ReadonlyMap<string, Action> {
  const one = (
    verb: string,
    risk: Risk,
    repeat: Repeat,
    next: ((before: string | null) => string) | null,
    more: Partial<Action<Input, Seen>> = {},
  ) =>
    defineAction<Input, Seen>({
      id: `sim.${verb}`,
      summary: `${verb} a simulated target`,
      ...{ input, risk, repeat },
      budget: { typicalSeconds: 1, warnSeconds: 4, failSeconds: 8 },
      resources: ({ target }) => (risk === "read" ? [] : [`sim:${target}`]),
      observe: async (ctx, { target }) => ({ value: await world().look(target, ctx.signal) }),
      facts: (seen, { target }) => [{ id: "value", label: target, value: seen.value, material: next !== null }],
      ready: (_seen, { after }, ctx) =>
        after === undefined
          ? []
          : [
              {
                ...{
                  id: "after",
                  level: "block",
                  ok: ctx.evidenceOf(after) !== null,
                  says: `It comes after ${after}.`,
                },
                madeSoBy: { steps: [after] },
              },
            ],
      done(seen, _input, before) {
        if (repeat === "toggle") return before === null || before.value === seen.value ? "no" : "yes";
        return seen.value === `${verb}ed` ? "yes" : "no";
      },
      ...(next && {
        apply: async (ctx, { target }) => {
          await world().change(`sim.${verb}`, target, next, ctx.signal);
          return { target };
        },
      }),
      async verify(ctx, { target }, before) {
        const value = await world().look(target, ctx.signal);
        const shows = repeat === "toggle" ? value !== before.value : risk === "read" || value === `${verb}ed`;
        if (!shows) throw new Error(`${target} is ${value}.`);
        const facts = [{ id: "value", label: target, value, material: false }];
        const rpo = { subject: `sim:${target}`, seconds: 0, rows: 0, method: "simulated" };
        return { says: `${target} is ${value}.`, facts, ...(risk === "irreversible" && { rpo }) };
      },
      undo: nothingToUndo(() => "Nothing here is taken back."),
      ...more,
    });
  const list = [
    one("look", "read", "safe", null),
    one("put", "reversible", "safe", () => "puted", {
      service: "aside",
      undo: undoneBy((_before, { target }) => inverse("sim.unput", { target }, `Take ${target} back`)),
    }),
    one("unput", "reversible", "safe", () => "unputed", { service: "aside" }),
    one("fence", "disruptive", "safe", () => "fenceed", { service: "interrupts", fences: () => true }),
    one("promote", "irreversible", "guarded", () => "promoteed", {
      service: "restores",
      promotes: true,
      endsFence: true,
      watch: {
        forSeconds: WATCHED_SECONDS,
        async look({ signal }, { peer }) {
          const value = peer === undefined ? null : await world().look(peer, signal);
          if (value === null || value === "fenceed") return null;
          return { says: `${peer} is ${value}.`, next: "Fence it." };
        },
      },
    }),
    one("flip", "disruptive", "toggle", (before) => (before === "west" ? "east" : "west"), {
      service: "interrupts",
      undo: undoneByHand(({ target }) => `Flip ${target} yourself.`),
    }),
  ];
  return new Map(list.map((action) => [action.id, action as unknown as Action]));
}
