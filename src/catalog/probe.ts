import { referencesIn, resolve, type Scalar } from "./reference.ts";
import { systemScope } from "./scope.ts";
import type { ActionCard, Probe, System } from "./types.ts";

export type BoundProbe =
  | { readonly ok: true; readonly input: unknown }
  /** Why nothing can be looked at. */
  | { readonly ok: false; readonly says: string };

/** The input of a probe with the values this installation gives, checked by its action. */
export function bindProbe(
  system: System,
  probe: Probe,
  card: ActionCard | undefined,
  given: ReadonlyMap<string, Scalar> | undefined,
): BoundProbe {
  if (card?.risk !== "read") return { ok: false, says: `${probe.action} is no action that only looks` };
  const { values, guesses } = systemScope(system, given);
  const missing = referencesIn(probe.with).filter(({ name }) => !values.has(name) || guesses?.has(name));
  if (missing.length > 0) {
    const names = [...new Set(missing.map(({ name }) => name))].join(", ");
    return { ok: false, says: `this installation gives no value for ${names}` };
  }
  const checked = card.checkInput(resolve(probe.with, (name) => values.get(name)));
  if (checked.ok) return checked;
  const says = checked.errors.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  return { ok: false, says: `${probe.action} does not take its input: ${says}` };
}
