export { type Aws, type AwsOptions, createAws } from "./aws.ts";
export { anInstance } from "./rds/instance.ts";
export { covered } from "./services.ts";
export type { AwsState, Instance, RecordSet, Zone } from "./state.ts";
