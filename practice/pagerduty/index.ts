export { createPager, type Pager, type PagerOptions } from "./pager.ts";
export type { Incident, UserAction } from "./state.ts";
