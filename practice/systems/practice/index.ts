/** The environment of the system `practice`: two PostgreSQL servers, the orders application, and what may go wrong with them. */
export {
  clearLeftovers,
  createPracticeEnvironment,
  type EnvironmentOptions,
  type PracticeEnvironment,
} from "./environment.ts";
export { ENVIRONMENT_FAULTS, type EnvironmentFault } from "./faults.ts";
export type { Losses } from "./losses.ts";
export type { EnvironmentState } from "./snapshot.ts";
