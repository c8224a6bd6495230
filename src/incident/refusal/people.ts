/** About people: who may use this at all, members of a private incident, roles and delegations. Names, not ids. */
export type PeopleRefusal =
  /** `why`: a sentence of the transport, such as "Guests can't use Lifeboat". */
  | { readonly code: "account-blocked"; readonly why: string }
  | { readonly code: "not-on-roster"; readonly system: string }
  | { readonly code: "not-private" }
  | { readonly code: "members-missing" }
  | { readonly code: "members-same" }
  | { readonly code: "members-full"; readonly most: number }
  | { readonly code: "role-unknown"; readonly system: string; readonly role: string; readonly instead: RolesInstead }
  | { readonly code: "role-standing"; readonly role: string; readonly perIncident: readonly string[] }
  | {
      readonly code: "role-not-theirs";
      readonly person: string;
      readonly role: string;
      readonly able: readonly string[];
    }
  | { readonly code: "role-held"; readonly person: string; readonly role: string }
  | { readonly code: "role-not-yours"; readonly role: string; readonly held: readonly string[] }
  | {
      readonly code: "person-unknown";
      readonly person: string;
      readonly system: string;
      readonly people: readonly string[];
    }
  /** `runs`: titles of what they requested and is in progress. */
  | { readonly code: "delegate-requester"; readonly person: string; readonly runs: readonly string[] }
  | { readonly code: "delegation-length" }
  | { readonly code: "delegation-unknown" }
  | { readonly code: "delegation-not-yours"; readonly able: readonly string[] };

/** Role ids: those a person holds, or those that can be taken in an incident. */
export type RolesInstead =
  | { readonly kind: "held"; readonly roles: readonly string[] }
  | { readonly kind: "per-incident"; readonly roles: readonly string[] };
