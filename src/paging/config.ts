/** Where PagerDuty is, and how it reaches us. Which service, whose policies, which keys: `paging:` of each system. */
export interface PagingConfig {
  readonly apiUrl: string;
  readonly eventsUrl: string;
  /** Null: PagerDuty tells us nothing; who acknowledged is then not known. */
  readonly webhook: { readonly secrets: readonly string[] } | null;
}
