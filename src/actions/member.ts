import type { z } from "zod";
import type { RoleObservation } from "../catalog/roles.ts";
import type { ReadContext } from "./contract.ts";

/** How the members of one kind of target are looked at, to tell which of them is active. One file beside the kind's actions. */
export interface MemberKind<M = unknown> {
  /** A key of `TARGET_KINDS` (`src/catalog/targets.ts`) whose `roles` is true. */
  readonly kind: string;
  readonly input: z.ZodType<M>;
  /** Read-only and bounded. That it is down is a sighting and no error. */
  look(ctx: ReadContext, member: M): Promise<RoleObservation>;
}
