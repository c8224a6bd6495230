import type { ActionCard } from "../catalog/types.ts";
import { readonly as appReadonly } from "./app/readonly.ts";
import { setRouting as arcSetRouting } from "./arc/set-routing.ts";
import { gate as cloudwatchGate } from "./cloudwatch/gate.ts";
import { check as composeCheck } from "./compose/check.ts";
import { kill as composeKill } from "./compose/kill.ts";
import { restart as composeRestart } from "./compose/restart.ts";
import { rollback as composeRollback } from "./compose/rollback.ts";
import { start as composeStart } from "./compose/start.ts";
import { stop as composeStop } from "./compose/stop.ts";
import { check as consulCheck } from "./consul/check.ts";
import { restore as consulRestore } from "./consul/restore.ts";
import { snapshot as consulSnapshot } from "./consul/snapshot.ts";
import type { Action } from "./contract.ts";
import { verify as dnsVerify } from "./dns/verify.ts";
import { setServer as haproxySetServer } from "./haproxy/set-server.ts";
import { check as httpCheck } from "./http/check.ts";
import { transaction as httpTransaction } from "./http/transaction.ts";
import { apply as kubernetesApply } from "./kubernetes/apply.ts";
import { check as kubernetesCheck } from "./kubernetes/check.ts";
import { compare as kubernetesCompare } from "./kubernetes/compare.ts";
import { cordon as kubernetesCordon, uncordon as kubernetesUncordon } from "./kubernetes/cordon.ts";
import { drain as kubernetesDrain } from "./kubernetes/drain.ts";
import { exhaust as kubernetesExhaust } from "./kubernetes/exhaust.ts";
import { failZone as kubernetesFailZone } from "./kubernetes/fail-zone.ts";
import { isolate as kubernetesIsolate } from "./kubernetes/isolate.ts";
import { liftFault as kubernetesLiftFault } from "./kubernetes/lift-fault.ts";
import { patchConfig as kubernetesPatchConfig } from "./kubernetes/patch-config.ts";
import { restart as kubernetesRestart } from "./kubernetes/restart.ts";
import { rollback as kubernetesRollback } from "./kubernetes/rollback.ts";
import { runJob as kubernetesRunJob } from "./kubernetes/run-job.ts";
import { scale as kubernetesScale } from "./kubernetes/scale.ts";
import { suspendCron as kubernetesSuspendCron } from "./kubernetes/suspend-cron.ts";
import { switchService as kubernetesSwitchService } from "./kubernetes/switch-service.ts";
import { unlisted as kubernetesUnlisted } from "./kubernetes/unlisted.ts";
import { loadFor } from "./load.ts";
import { check as patroniCheck } from "./patroni/check.ts";
import { demoteCluster as patroniDemoteCluster } from "./patroni/demote-cluster.ts";
import { failover as patroniFailover } from "./patroni/failover.ts";
import { pause as patroniPause } from "./patroni/pause.ts";
import { reinitialize as patroniReinitialize } from "./patroni/reinitialize.ts";
import { resume as patroniResume } from "./patroni/resume.ts";
import { switchover as patroniSwitchover } from "./patroni/switchover.ts";
import { backup as pgbackrestBackup } from "./pgbackrest/backup.ts";
import { check as pgbackrestCheck } from "./pgbackrest/check.ts";
import { restore as pgbackrestRestore } from "./pgbackrest/restore.ts";
import { verify as pgbackrestVerify } from "./pgbackrest/verify.ts";
import { pause as pgbouncerPause } from "./pgbouncer/pause.ts";
import { repoint as pgbouncerRepoint } from "./pgbouncer/repoint.ts";
import { resume as pgbouncerResume } from "./pgbouncer/resume.ts";
import { check as postgresCheck } from "./postgres/check.ts";
import { checkDump as postgresCheckDump } from "./postgres/check-dump.ts";
import { checkLost as postgresCheckLost } from "./postgres/check-lost.ts";
import { checkTakeover as postgresCheckTakeover } from "./postgres/check-takeover.ts";
import { drain as postgresDrain } from "./postgres/drain.ts";
import { dump as postgresDump } from "./postgres/dump.ts";
import { exportDivergence as postgresExportDivergence } from "./postgres/export-divergence.ts";
import { fence as postgresFence } from "./postgres/fence.ts";
import { promote as postgresPromote } from "./postgres/promote.ts";
import { rejoin as postgresRejoin } from "./postgres/rejoin.ts";
import { restoreDump as postgresRestoreDump } from "./postgres/restore-dump.ts";
import { unfence as postgresUnfence } from "./postgres/unfence.ts";
import { unlisted as postgresUnlisted } from "./postgres/unlisted.ts";
import { verify as postgresVerify } from "./postgres/verify.ts";
import { verifyData as postgresVerifyData } from "./postgres/verify-data.ts";
import { check as prometheusCheck } from "./prometheus/check.ts";
import { check as rabbitmqCheck } from "./rabbitmq/check.ts";
import { exportDefinitions as rabbitmqExport } from "./rabbitmq/export.ts";
import { importDefinitions as rabbitmqImport } from "./rabbitmq/import.ts";
import { check as rdsCheck } from "./rds/check.ts";
import { checkBackups as rdsCheckBackups } from "./rds/check-backups.ts";
import { deleteInstance as rdsDelete } from "./rds/delete.ts";
import { failoverCluster as rdsFailoverCluster } from "./rds/failover-cluster.ts";
import { globalFailover as rdsGlobalFailover, globalSwitchover as rdsGlobalSwitchover } from "./rds/global.ts";
import { makeReplica as rdsMakeReplica } from "./rds/make-replica.ts";
import { rename as rdsRename, setMultiAz as rdsSetMultiAz } from "./rds/modify.ts";
import { promoteReplica as rdsPromoteReplica } from "./rds/promote-replica.ts";
import { quotas as rdsQuotas } from "./rds/quotas.ts";
import { rebootFailover as rdsRebootFailover } from "./rds/reboot-failover.ts";
import { restorePitr as rdsRestorePitr, restoreSnapshot as rdsRestoreSnapshot } from "./rds/restore.ts";
import { setReadOnly as rdsSetReadOnly } from "./rds/set-read-only.ts";
import { unlisted as rdsUnlisted } from "./rds/unlisted.ts";
import { check as redisCheck } from "./redis/check.ts";
import { failover as redisFailover } from "./redis/failover.ts";
import { follow as redisFollow } from "./redis/follow.ts";
import { forget as redisForget } from "./redis/forget.ts";
import { monitor as redisMonitor } from "./redis/monitor.ts";
import { promoteDr as redisPromoteDr } from "./redis/promote-dr.ts";
import { rebuild as redisRebuild } from "./redis/rebuild.ts";
import { rolesCheck, rolesLook } from "./roles-check.ts";
import { check as route53Check } from "./route53/check.ts";
import { healthcheckOverride as route53HealthcheckOverride } from "./route53/healthcheck-override.ts";
import { shift as route53Shift } from "./route53/shift.ts";
import { checkReplication as s3CheckReplication } from "./s3/check-replication.ts";
import { switchActive as s3SwitchActive } from "./s3/switch-active.ts";
import { sync as s3Sync } from "./s3/sync.ts";
import { unlisted as s3Unlisted } from "./s3/unlisted.ts";
import { run as scriptRun } from "./script/run.ts";
import { check as searchCheck } from "./search/check.ts";
import { deleteIndex as searchDeleteIndex } from "./search/delete-index.ts";
import { restore as searchRestore } from "./search/restore.ts";
import { snapshot as searchSnapshot } from "./search/snapshot.ts";
import { swapAlias as searchSwapAlias } from "./search/swap-alias.ts";
import { check as tlsCheck } from "./tls/check.ts";
import { switchService as traefikSwitch } from "./traefik/switch.ts";
import { backup as veleroBackup } from "./velero/backup.ts";
import { check as veleroCheck } from "./velero/check.ts";
import { restore as veleroRestore } from "./velero/restore.ts";
import { withDeadlines } from "./wrap/deadline.ts";
import { withDrillLimits } from "./wrap/drill.ts";

/** Everything a runbook may do. A new action is one more line here and one more file in the folder of its target. */
const list = [
  listed(postgresCheck),
  listed(postgresCheckTakeover),
  listed(postgresCheckLost),
  listed(postgresUnlisted),
  listed(postgresFence),
  listed(postgresUnfence),
  listed(postgresDrain),
  listed(postgresPromote),
  listed(postgresVerify),
  listed(postgresExportDivergence),
  listed(postgresRejoin),
  listed(postgresDump),
  listed(postgresCheckDump),
  listed(postgresRestoreDump),
  listed(postgresVerifyData),
  listed(pgbackrestCheck),
  listed(pgbackrestVerify),
  listed(pgbackrestBackup),
  listed(pgbackrestRestore),
  listed(pgbouncerPause),
  listed(pgbouncerRepoint),
  listed(pgbouncerResume),
  listed(patroniCheck),
  listed(patroniSwitchover),
  listed(patroniFailover),
  listed(patroniPause),
  listed(patroniResume),
  listed(patroniReinitialize),
  listed(patroniDemoteCluster),
  listed(redisCheck),
  listed(redisFailover),
  listed(redisPromoteDr),
  listed(redisFollow),
  listed(redisMonitor),
  listed(redisForget),
  listed(redisRebuild),
  listed(rdsCheck),
  listed(rdsCheckBackups),
  listed(rdsQuotas),
  listed(rdsRebootFailover),
  listed(rdsPromoteReplica),
  listed(rdsFailoverCluster),
  listed(rdsGlobalSwitchover),
  listed(rdsGlobalFailover),
  listed(rdsRestorePitr),
  listed(rdsRestoreSnapshot),
  listed(rdsRename),
  listed(rdsDelete),
  listed(rdsMakeReplica),
  listed(rdsSetMultiAz),
  listed(rdsSetReadOnly),
  listed(rdsUnlisted),
  listed(cloudwatchGate),
  listed(route53Check),
  listed(route53Shift),
  listed(route53HealthcheckOverride),
  listed(arcSetRouting),
  listed(dnsVerify),
  listed(rolesCheck),
  listed(rolesLook),
  listed(httpCheck),
  listed(httpTransaction),
  listed(tlsCheck),
  listed(prometheusCheck),
  listed(appReadonly),
  listed(scriptRun),
  listed(kubernetesCheck),
  listed(kubernetesCompare),
  listed(kubernetesUnlisted),
  listed(kubernetesScale),
  listed(kubernetesSuspendCron),
  listed(kubernetesRestart),
  listed(kubernetesRollback),
  listed(kubernetesCordon),
  listed(kubernetesUncordon),
  listed(kubernetesDrain),
  listed(kubernetesSwitchService),
  listed(kubernetesPatchConfig),
  listed(kubernetesRunJob),
  listed(kubernetesApply),
  listed(kubernetesFailZone),
  listed(kubernetesIsolate),
  listed(kubernetesExhaust),
  listed(kubernetesLiftFault),
  listed(composeCheck),
  listed(composeRestart),
  listed(composeStop),
  listed(composeStart),
  listed(composeKill),
  listed(composeRollback),
  listed(rabbitmqCheck),
  listed(rabbitmqExport),
  listed(rabbitmqImport),
  listed(traefikSwitch),
  listed(haproxySetServer),
  listed(veleroCheck),
  listed(veleroBackup),
  listed(veleroRestore),
  listed(s3CheckReplication),
  listed(s3Sync),
  listed(s3Unlisted),
  listed(s3SwitchActive),
  listed(consulCheck),
  listed(consulSnapshot),
  listed(consulRestore),
  listed(searchCheck),
  listed(searchSnapshot),
  listed(searchRestore),
  listed(searchSwapAlias),
  listed(searchDeleteIndex),
];

export const actions: ReadonlyMap<string, Action> = new Map(list.map((action) => [action.id, action]));

/** What planning needs to know of each. */
export const cards: ReadonlyMap<string, ActionCard> = new Map(list.map((action) => [action.id, cardOf(action)]));

/** An action only ever meets inputs its own schema parsed, so in the list all of them can wear one type. */
function listed<I, S>(action: Action<I, S>): Action {
  return { ...withDrillLimits(withDeadlines(action)), load: () => loadFor(action.id) } as unknown as Action;
}

/** What planning needs to know of an action. */
export function cardOf(action: Action): ActionCard {
  const { id, summary, risk, repeat, budget, input, resources, service, fences, opens, undo } = action;
  const { promotes, leads, endsFence, arbitrary, copies, breaks, controlPlanes, goesWithout } = action;
  return {
    id,
    summary,
    risk,
    repeat,
    budget,
    checkInput(given) {
      const parsed = input.safeParse(given);
      if (parsed.success) return { ok: true, input: parsed.data };
      return {
        ok: false,
        errors: parsed.error.issues.map(({ path, message }) => ({ path: path.filter(isKey), message })),
      };
    },
    resources: (given) => resources(given),
    ...(service && { service: (given: unknown) => (typeof service === "string" ? service : service(given)) }),
    ...(fences && { fences: (given: unknown) => fences(given) }),
    ...(opens && { opens: (given: unknown) => opens(given) }),
    ...(promotes && { promotes }),
    ...(leads && { leads }),
    ...(endsFence && { endsFence }),
    ...(arbitrary && { arbitrary }),
    ...(copies && { copies }),
    ...(breaks && { breaks: { liftedBy: breaks.liftedBy, forSeconds: (given: unknown) => breaks.forSeconds(given) } }),
    ...(controlPlanes && { controlPlanes: (given: unknown) => controlPlanes(given) }),
    ...(goesWithout && { goesWithout: (given: unknown) => goesWithout(given) }),
    wayBack: (given) => undo.ahead(given),
    undo: (before, given, context) => undo.step(before, given, context),
  };
}

function isKey(part: PropertyKey): part is string | number {
  return typeof part !== "symbol";
}
