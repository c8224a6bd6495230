import type { Audience } from "../../catalog/types.ts";
import type { IncidentStatus } from "../events.ts";

/** About what people are told. */
export type CommsRefusal =
  | { readonly code: "not-telling"; readonly able: readonly string[] }
  | { readonly code: "update-private" }
  | {
      readonly code: "update-unfitting";
      readonly audience: Audience;
      readonly moment: string;
      readonly status: IncidentStatus;
      readonly drill: boolean;
      /** Moments of which it could be told now; empty: this audience is told nothing. */
      readonly fitting: readonly string[];
    }
  | { readonly code: "due-unknown" }
  | { readonly code: "snooze-length"; readonly minutes: number; readonly most: number };
