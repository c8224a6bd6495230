import { answersTo } from "../../catalog/cycles.ts";
import type { Catalog, Mode, Runbook } from "../../catalog/types.ts";
import { inputsToType } from "../parse/inputs.ts";

/** What to type to start a runbook, as short as it is clear: `/dr failover database --unplanned`, `/dr restore database to=…`. */
export function lineFor(catalog: Catalog, runbook: Runbook, mode: Mode | null): string {
  const { id, system, starts, modes } = runbook;
  const others = catalog.runbooks.filter((other) => other !== runbook);
  const rivals = starts === null ? [] : others.filter((other) => answersTo(catalog, other, starts.verb, starts.target));
  const byId = starts === null || rivals.some((other) => other.system === system);
  const elsewhere = (byId ? others.filter((other) => other.id === id) : rivals).length > 0;
  return [
    byId ? `/dr runbook ${id}` : `/dr ${starts.verb} ${starts.target}`,
    ...inputsToType(runbook),
    ...(elsewhere ? [`--system ${system}`] : []),
    ...(mode !== null && modes.length > 1 ? [`--${mode}`] : []),
  ].join(" ");
}
