import type { Catalog, Mode, Runbook } from "../src/catalog/types.ts";
import { inputsToType } from "./inputs.ts";

/** What to type to start a runbook, as short as it is clear: `/dr failover database --unplanned`, `/dr restore database to=…`. */
export function lineFor({ systems, runbooks }: Catalog, runbook: Runbook, mode: Mode | null): string {
  const { id, system, starts, modes } = runbook;
  const same = runbooks.filter((other) =>
    starts === null
      ? other.id === id
      : other.starts?.verb === starts.verb && namesOf(other).some((name) => namesOf(runbook).includes(name)),
  );
  const words = starts === null || same.some((other) => other !== runbook && other.system === system);
  const alone = systems.length === 1 || new Set(same.map((other) => other.system)).size === 1;
  return [
    words ? `/dr runbook ${id}` : `/dr ${starts.verb} ${starts.target}`,
    ...inputsToType(runbook),
    ...(alone ? [] : [`--system ${system}`]),
    ...(mode !== null && modes.length > 1 ? [`--${mode}`] : []),
  ].join(" ");
}

function namesOf({ starts, component }: Runbook): readonly string[] {
  return [starts?.target, component].flatMap((name) => name ?? []);
}
