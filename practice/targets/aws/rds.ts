import { backupOperations } from "./rds/backups.ts";
import { clusterOperations } from "./rds/clusters.ts";
import { instanceOperations } from "./rds/instances.ts";
import { parameterOperations } from "./rds/parameters.ts";
import type { AwsState } from "./state.ts";
import type { Operation } from "./turn.ts";

/** RDS over the Query protocol, version 2014-10-31. */
export function rdsOperations(state: AwsState): Readonly<Record<string, Operation>> {
  return {
    ...instanceOperations(state),
    ...backupOperations(state),
    ...parameterOperations(state),
    ...clusterOperations(state),
  };
}
