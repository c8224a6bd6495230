export { createPager, type Pager, type PagerOptions } from "./pager.ts";
export type { Deed, Incident } from "./world.ts";
