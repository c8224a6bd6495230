import type { Alarm, Target } from "./client.ts";

/** What PagerDuty should show under one key. Rendered from the state and nothing else, as Slack's messages are. */
export type DesiredPage =
  /** There is an incident: the one who looks after the service is woken. */
  | { readonly kind: "alarm"; readonly open: true; readonly acknowledged: boolean; readonly alarm: Alarm }
  | { readonly kind: "alarm"; readonly open: false }
  /** PagerDuty told us of it; it only has to learn that it is over. */
  | { readonly kind: "adopted"; readonly incident: string; readonly open: boolean }
  /** Someone is asked to decide. */
  | {
      readonly kind: "summons";
      readonly open: true;
      /** Null: it is about no question: a drill has begun. */
      readonly ask: string | null;
      /** Null: not as the holder of a role (a break-glass). */
      readonly role: string | null;
      readonly people: readonly string[];
      /** By the rules people have for what can wait; absent: at once. */
      readonly urgency?: "low";
      /** `service`: no one knows better than the service's own policy. */
      readonly to: Target | "service";
      readonly alarm: Alarm;
    }
  | { readonly kind: "summons"; readonly open: false }
  /** `incident`: PagerDuty's id, where it told us of the incident; else it is found by the key `on`. */
  | { readonly kind: "note"; readonly on: string; readonly incident: string | null; readonly text: string };
