import { z } from "zod";
import type { ActionCard, Repeat, Risk, WayBack } from "../../src/catalog/types.ts";

/**
 * Actions as the planner sees them, of every kind of risk and repeat, so that a rule's pages do not depend on which
 * actions exist. The shipped catalogue is held against the real ones in `practice.test.ts`.
 */
const node = z.strictObject({
  name: z.string().min(1),
  host: z.string().min(1),
  port: z.int().min(1).max(65535).default(5432),
  passwordFrom: z.string().min(1),
});
const script = z.strictObject({
  name: z.string(),
  path: z.string(),
  sha256: z.string().length(64),
  environment: z.array(z.string()),
});

export const cards: ReadonlyMap<string, ActionCard> = new Map(
  [
    card(
      "postgres.check",
      "read",
      "safe",
      1,
      z.strictObject({ node, mode: z.enum(["planned", "unplanned"]).optional() }),
    ),
    card("postgres.verify", "read", "safe", 1, z.strictObject({ node, sql: z.string() })),
    card("postgres.fence", "reversible", "safe", 1, z.strictObject({ node })),
    { ...card("postgres.dump", "reversible", "safe", 1, z.strictObject({ node })), copies: true as const },
    card("app.readonly", "reversible", "safe", 1, z.strictObject({ node })),
    {
      ...card("drill.break", "disruptive", "safe", 1, z.strictObject({ node })),
      breaks: { liftedBy: "drill.lift", forSeconds: () => 600 },
    },
    card("postgres.drain", "read", "safe", 2, z.strictObject({ node })),
    card(
      "postgres.promote",
      "irreversible",
      "guarded",
      1,
      z.strictObject({
        node,
        fenceStep: z.string().optional(),
        allowUnfenced: z.boolean().optional(),
      }),
    ),
    card("postgres.rejoin", "disruptive", "destructive", 300, z.strictObject({ node, script })),
    card(
      "rds.reboot_failover",
      "disruptive",
      "toggle",
      120,
      z.strictObject({ id: z.string(), token: z.string().optional() }),
    ),
    card(
      "script.run",
      "disruptive",
      "destructive",
      5,
      z.strictObject({ script, arguments: z.array(z.string()).default([]), observe: z.looseObject({}).optional() }),
    ),
    card("http.check", "read", "safe", 2, z.strictObject({ url: z.url(), afterStep: z.string().optional() })),
  ].map((one) => [one.id, one]),
);

const BACK: Readonly<Record<Risk, WayBack>> = {
  read: { kind: "nothing", says: "Looking changes nothing." },
  reversible: { kind: "step" },
  disruptive: { kind: "never", says: "It is gone." },
  irreversible: { kind: "never", says: "It is gone." },
};

function card(id: string, risk: Risk, repeat: Repeat, typicalSeconds: number, input: z.ZodType): ActionCard {
  return {
    id,
    summary: id,
    risk,
    repeat,
    budget: { typicalSeconds, warnSeconds: typicalSeconds * 2, failSeconds: typicalSeconds * 4 },
    checkInput(given) {
      const parsed = input.safeParse(given);
      if (parsed.success) return { ok: true, input: parsed.data };
      const errors = parsed.error.issues.map((issue) => ({
        path: issue.path.map((part) => (typeof part === "number" ? part : String(part))),
        message: issue.message,
      }));
      return { ok: false, errors };
    },
    ...(id === "postgres.fence" && { fences: () => true }),
    ...(id === "postgres.promote" && { promotes: true }),
    ...(["postgres.promote", "postgres.rejoin", "script.run"].includes(id) && { endsFence: true }),
    wayBack: () => BACK[risk],
    undo: (_before, given) =>
      risk === "irreversible" || risk === "disruptive"
        ? { kind: "never", says: "It is gone." }
        : { kind: "step", action: "postgres.fence", input: given, says: `Undo ${id}` },
    resources: (given) => {
      const at = (given as { node?: { host: string; port: number } }).node;
      return risk === "read" || at === undefined ? [] : [`postgres:${at.host}:${at.port}`];
    },
  };
}
