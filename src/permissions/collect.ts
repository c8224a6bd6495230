import type { Permission } from "../actions/permission.ts";
import { permissionsOf } from "../actions/permissions.ts";
import { goesWith, sampleBinding, targetsToLookAt } from "../catalog/binding.ts";
import { readManifest, withManifests } from "../catalog/manifest.ts";
import { lookOf } from "../catalog/prepare.ts";
import { resolve, type Scalar } from "../catalog/reference.ts";
import { type Scope, scopeOf } from "../catalog/scope.ts";
import type { Mode, Runbook, System } from "../catalog/types.ts";
import { actionsOf } from "../catalog/walk.ts";

export interface Needed {
  readonly permissions: readonly Permission[];
  /** Variables without a value: each stands in the policies as `<name>`. */
  readonly missing: readonly string[];
}

/** What an input of a run may be is not known before it: whatever its name. */
const ANYTHING = "*";

/**
 * Everything that any plan of a runbook asks: in each of its modes, whichever way it goes, its undo included, which asks nothing its step
 * doesn't. Nothing outside is looked at.
 * @throws where a manifest it applies can't be read
 */
export async function neededFor(
  system: System,
  runbook: Runbook,
  given: ReadonlyMap<string, Scalar> = new Map(),
): Promise<Needed> {
  const missing = new Set<string>();
  const variables = withPlaceholders(system, given);
  const ways = system.targets === undefined ? [false] : [false, true];
  const found: Permission[] = [];
  for (const mode of runbook.modes) {
    const looks = targetsToLookAt(system, runbook, mode).map((target) => lookOf(system, target, variables));
    found.push(...(await permissionsOf("roles.check", { targets: looks })));
    for (const flipped of ways) found.push(...(await ofPlan({ system, runbook, mode, flipped, variables })));
  }
  const permissions = distinct(found);
  const text = JSON.stringify(permissions);
  for (const { name } of system.variables) if (text.includes(placeholder(name))) missing.add(name);
  return { permissions, missing: [...missing] };
}

interface Way {
  readonly system: System;
  readonly runbook: Runbook;
  readonly mode: Mode;
  readonly flipped: boolean;
  readonly variables: ReadonlyMap<string, Scalar>;
}

async function ofPlan({ system, runbook, mode, flipped, variables }: Way): Promise<readonly Permission[]> {
  const binding = sampleBinding(system, runbook, flipped);
  const inputs = new Map((runbook.inputs ?? []).map(({ name }) => [name, ANYTHING]));
  const scope = scopeOf(system, runbook, mode, variables, inputs, binding);
  const found: Permission[] = [];
  for (const { does, step } of actionsOf(runbook, mode)) {
    if (!goesWith(step, system, binding)) continue;
    const input = withManifests(
      resolve(does.with, (name) => valueIn(scope, name)),
      system,
      readManifest,
    );
    found.push(...(await permissionsOf(does.action, input)));
  }
  return found;
}

function valueIn({ values, samples }: Scope, name: string): unknown {
  return values.get(name) ?? samples?.get(name) ?? placeholder(name);
}

function withPlaceholders({ variables }: System, given: ReadonlyMap<string, Scalar>): ReadonlyMap<string, Scalar> {
  return new Map(
    variables.flatMap(({ name, type, default: usual }) => {
      const value = given.get(name) ?? usual;
      if (value !== null) return [[name, value] as const];
      return [[name, type === "number" ? 1 : type === "boolean" ? false : placeholder(name)] as const];
    }),
  );
}

function placeholder(name: string): string {
  return `<${name}>`;
}

function distinct(all: readonly Permission[]): readonly Permission[] {
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}
