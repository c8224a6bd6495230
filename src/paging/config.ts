import type { System } from "../catalog/types.ts";

/** Where PagerDuty is, and how it reaches us. Which service, whose policies, which keys: `paging:` of each system. */
export interface PagingConfig {
  readonly apiUrl: string;
  readonly eventsUrl: string;
  /** Null: PagerDuty tells us nothing; who acknowledged is then not known. */
  readonly webhook: { readonly secrets: readonly string[] } | null;
}

/** Who can be asked by a page whether they can be reached: person ids. No one where PagerDuty tells us nothing of answers. */
export function pageableIn(config: PagingConfig | null, { paging }: Pick<System, "paging">): ReadonlySet<string> {
  if (config?.webhook == null || paging === undefined) return new Set();
  return new Set(paging.people.map(({ person }) => person));
}
