import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { type Action, type ApplyContext, defineAction } from "../../src/actions/contract.ts";
import { nothingToUndo } from "../../src/actions/undo.ts";
import type { Repeat, Risk } from "../../src/catalog/types.ts";

/**
 * Small real actions on a folder: an effect is a file, and the ledger holds every effect that was really caused. How the
 * target behaves (hangs, refuses, loses its answer) is a file too, so that it can change while a run is in progress.
 */
const input = z.strictObject({ dir: z.string(), name: z.string(), needs: z.string().optional() });
type Input = z.infer<typeof input>;

interface Seen {
  readonly value: string | null;
  readonly condition: string;
  readonly blocked: string | null;
  readonly advised: string | null;
}

export const ledgerFile = "ledger";

export function ledger(dir: string): readonly string[] {
  const file = join(dir, ledgerFile);
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").filter(Boolean) : [];
}

/** Makes the target of `name` behave so from now on; null: well again. */
export function behave(dir: string, name: string, how: Behaviour, value: string | number | null = ""): void {
  const file = join(dir, `${name}.${how}`);
  if (value === null) rmSync(file, { force: true });
  else writeFileSync(file, String(value));
}

type Behaviour =
  | "hangs" // `apply` never answers, and ignores its signal
  | "hangsLooking" // `observe` never answers, or so many milliseconds late
  | "losesAnswer" // `apply` has its effect, and the connection breaks
  | "late" // `apply` loses its connection, and has its effect so many milliseconds later
  | "showsWithin" // the action says that what was accepted may take so many milliseconds to show
  | "losesRequest" // the connection breaks before the effect
  | "refuses" // `apply` is refused so many times
  | "slow" // `verify` takes so many milliseconds
  | "unclear" // `done` can't tell
  | "half" // `done` finds a part of it
  | "blocked" // `ready` says no, in these words
  | "advises" // what to do about that
  | "condition" // a material fact
  | "unproven" // `verify` does not see it, so many times
  | "throws"; // `facts` has a bug

function how(dir: string, name: string, behaviour: Behaviour): string | null {
  const file = join(dir, `${name}.${behaviour}`);
  return existsSync(file) ? readFileSync(file, "utf8") : null;
}

/** Counts a number of times down; true while there was one left. */
function once(dir: string, name: string, behaviour: Behaviour): boolean {
  const left = Number(how(dir, name, behaviour) ?? 0);
  if (left <= 0) return false;
  behave(dir, name, behaviour, left - 1);
  return true;
}

function fileOf({ dir, name }: Input): string | null {
  const file = join(dir, name);
  return existsSync(file) ? readFileSync(file, "utf8") : null;
}

function broken(): Error {
  return Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
}

const never = () => new Promise<never>(() => {});

function ledgerAction(verb: string, risk: Risk, repeat: Repeat, cause: ((input: Input) => void) | null) {
  return defineAction<Input, Seen>({
    id: `folder.${verb}`,
    summary: `${verb} in a folder`,
    input,
    risk,
    repeat,
    budget: { typicalSeconds: 1, warnSeconds: 2, failSeconds: 3 },
    resources: (one) => (risk === "read" ? [] : [`folder:${one.dir}/${one.name}`]),
    async observe(_ctx, one) {
      const late = how(one.dir, one.name, "hangsLooking");
      if (late !== null) await (late === "" ? never() : pause(Number(late)));
      return {
        value: fileOf(one),
        condition: how(one.dir, one.name, "condition") ?? "fair",
        blocked: how(one.dir, one.name, "blocked"),
        advised: how(one.dir, one.name, "advises"),
      };
    },
    facts(seen, one) {
      if (how(one.dir, one.name, "throws") !== null) throw new TypeError("a bug in facts");
      return [
        { id: "value", label: `${one.name}`, value: seen.value, material: false },
        { id: "condition", label: "condition", value: seen.condition, material: true },
        ...(risk === "irreversible" ? [{ id: "loss", label: "loss", value: "about 3 files", material: false }] : []),
      ];
    },
    ready(seen, one, ctx) {
      const needed = one.needs === undefined || ctx.evidenceOf(one.needs) !== null;
      return [
        {
          ...{ id: "clear", ok: seen.blocked === null, level: "block", says: seen.blocked ?? "The way is clear." },
          ...(seen.advised !== null && { next: seen.advised }),
        },
        {
          id: "evidence.before",
          ok: needed,
          level: "block",
          says: `It needs evidence of ${one.needs}.`,
          madeSoBy: { steps: one.needs === undefined ? [] : [one.needs] },
        },
      ];
    },
    done(seen, one, before) {
      if (how(one.dir, one.name, "unclear") !== null) return "unknown";
      if (how(one.dir, one.name, "half") !== null) return "partial";
      if (repeat === "toggle") return before === null || before.value === seen.value ? "no" : "yes";
      return seen.value === null ? "no" : "yes";
    },
    // A target that shows late is one whose action says so, in milliseconds here.
    showsWithinSeconds: (one) => (repeat === "guarded" ? Number(how(one.dir, one.name, "showsWithin") ?? 0) / 1000 : 0),
    ...(cause && {
      async apply(ctx: ApplyContext, one: Input) {
        if (how(one.dir, one.name, "losesRequest") !== null) throw broken();
        if (once(one.dir, one.name, "refuses")) throw new Error("Permission denied.");
        if (how(one.dir, one.name, "hangs") !== null) await never();
        ctx.progress("asked");
        const late = how(one.dir, one.name, "late");
        // The target has heard it, whenever it shows.
        appendFileSync(join(one.dir, ledgerFile), `${verb} ${one.name}\n`);
        if (late !== null) {
          setTimeout(() => existsSync(one.dir) && cause(one), Number(late)).unref();
          throw broken();
        }
        cause(one);
        if (how(one.dir, one.name, "losesAnswer") !== null) throw broken();
        return { operation: one.name };
      },
    }),
    async verify(ctx, one) {
      const slow = Number(how(one.dir, one.name, "slow") ?? 0);
      if (slow > 0) await pause(slow, undefined, { signal: ctx.signal });
      if (once(one.dir, one.name, "unproven")) throw new Error("It does not show.");
      const value = fileOf(one);
      if (cause && value === null) throw new Error(`${one.name} is not there.`);
      return {
        says: `${one.name} is ${value}`,
        facts: [{ id: "value", label: one.name, value, material: false }],
        ...(risk === "irreversible"
          ? { rpo: { subject: "files", seconds: 3, rows: null, method: "counted files" } }
          : {}),
      };
    },
    undo: nothingToUndo(() => "Nobody needs it here."),
  });
}

const write = (one: Input) => writeFileSync(join(one.dir, one.name), "there");
const flip = (one: Input) => writeFileSync(join(one.dir, one.name), fileOf(one) === "west" ? "east" : "west");

const ledgerActions = [
  ledgerAction("look", "read", "safe", null),
  ledgerAction("put", "reversible", "safe", write),
  ledgerAction("guard", "reversible", "guarded", write),
  ledgerAction("flip", "disruptive", "toggle", flip),
  ledgerAction("promote", "irreversible", "guarded", write),
  ledgerAction("wipe", "irreversible", "destructive", write),
];

export const actions: ReadonlyMap<string, Action> = new Map(
  ledgerActions.map((one) => [one.id, one as unknown as Action]),
);
