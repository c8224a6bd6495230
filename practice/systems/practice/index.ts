export { CHAOS, type Chaos } from "./chaos.ts";
export { clearLeftovers, createEstate, type Estate, type EstateOptions } from "./estate.ts";
export type { Losses } from "./losses.ts";
export type { EstateState } from "./sight.ts";
