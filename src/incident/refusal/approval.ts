import type { Deciders } from "./run.ts";

/** About an approval request. `where`: the gate's title. People are named; `able`: who may, empty: no one. */
export type ApprovalRefusal =
  | { readonly code: "ask-unknown"; readonly run: string }
  | { readonly code: "ask-superseded"; readonly where: string }
  /** `why`: as the timeline has it; null: it was requested again. */
  | { readonly code: "ask-void"; readonly where: string; readonly why: string | null }
  | { readonly code: "gate-expired"; readonly where: string }
  | {
      readonly code: "gate-role";
      readonly where: string;
      readonly roles: readonly string[];
      readonly able: readonly string[];
    }
  | { readonly code: "gate-requester"; readonly where: string; readonly able: readonly string[] }
  | { readonly code: "gate-added-later"; readonly where: string; readonly able: readonly string[] }
  | { readonly code: "already-decided"; readonly where: string; readonly how: Decided }
  | { readonly code: "counts-already"; readonly where: string; readonly gate: string; readonly able: readonly string[] }
  | {
      readonly code: "place-taken";
      readonly where: string;
      readonly by: string;
      /** In whose place both decide. */
      readonly place: string;
      readonly able: readonly string[];
    }
  | { readonly code: "plan-changed"; readonly where: string }
  | { readonly code: "facts-changed"; readonly where: string }
  | { readonly code: "step-up-needed"; readonly where: string; readonly wish: "approve" | "break-glass" }
  | { readonly code: "proof-vouched-by-same"; readonly where: string; readonly vouched: Vouched }
  | { readonly code: "signed-other"; readonly where: string }
  | { readonly code: "question-empty"; readonly where: string }
  | { readonly code: "nothing-asked"; readonly where: string }
  | { readonly code: "answer-empty"; readonly where: string }
  | { readonly code: "not-denied"; readonly where: string }
  | { readonly code: "not-escalating"; readonly where: string; readonly able: readonly string[] }
  | { readonly code: "no-level-left"; readonly where: string; readonly able: readonly string[] }
  | { readonly code: "break-glass-off"; readonly where: string; readonly system: string }
  | {
      readonly code: "break-glass-role";
      readonly where: string;
      readonly roles: readonly string[];
      readonly able: readonly string[];
    }
  | { readonly code: "chain-not-silent"; readonly where: string; readonly waits: SilenceWait }
  /** `aloneFrom`: from when on it may be done alone; null: never. */
  | {
      readonly code: "second-awaited";
      readonly where: string;
      readonly able: readonly string[];
      readonly aloneFrom: Date | null;
    }
  | { readonly code: "requester-alone"; readonly where: string; readonly able: readonly string[] }
  | { readonly code: "nothing-to-confirm"; readonly where: string }
  | { readonly code: "not-second"; readonly where: string; readonly own: boolean; readonly able: readonly string[] }
  | { readonly code: "nothing-to-review" }
  | { readonly code: "review-own"; readonly where: string; readonly involved: readonly string[] }
  | { readonly code: "finding-missing"; readonly where: string };

export type Decided =
  | { readonly kind: "denied"; readonly says: string | null }
  | { readonly kind: "by-you" }
  | { readonly kind: "enough" }
  | { readonly kind: "by"; readonly by: Deciders };

export type Vouched =
  | { readonly kind: "self" }
  | { readonly kind: "by-requester"; readonly person: string }
  | { readonly kind: "counted-once"; readonly person: string };

/** Until a moment, or until a level was asked (`role`: its title; null: none is left). */
export type SilenceWait =
  | { readonly kind: "until"; readonly at: Date }
  | { readonly kind: "level"; readonly role: string | null; readonly at: Date | null };
