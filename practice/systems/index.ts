import { LifeboatError } from "../../src/lib/errors.ts";
import type { SystemEnvironmentKind, SystemEnvironmentOptions } from "../environment/system-environment.ts";
import { llmMarketplace } from "./llm-marketplace/index.ts";
import { marimoErp } from "./marimo-erp/index.ts";
import { mimir } from "./mimir/index.ts";
import { createPracticeEnvironment, type PracticeEnvironment } from "./practice/environment.ts";
import { reference } from "./reference/index.ts";
import { sav3 } from "./sav3/index.ts";

/** The orders environment: PostgreSQL comes from npm, so it needs nothing. */
export const orders = {
  system: "practice",
  needs: [],
  create: (options: SystemEnvironmentOptions): Promise<PracticeEnvironment> => createPracticeEnvironment(options),
} as const satisfies SystemEnvironmentKind;

/** Every system that can be practised, in the order they are offered. A new one is a folder beside this file and a line here. */
export const systems: readonly SystemEnvironmentKind[] = [orders, mimir, reference, llmMarketplace, marimoErp, sav3];

/** @throws LifeboatError with what there is to choose from. */
export function environmentKindOf(system: string): SystemEnvironmentKind {
  const found = systems.find((kind) => kind.system === system);
  if (found) return found;
  throw new LifeboatError({
    code: "environment-unknown",
    what: `There is no practice environment for a system "${system}"`,
    allowed: `Systems: ${systems.map((kind) => kind.system).join(", ")}`,
  });
}
