import type { FailureSuite } from "../support/failure-case.ts";
import { suite as app } from "./app/failure-cases.ts";
import { suite as rds } from "./aws/rds-failure-cases.ts";
import { suite as traffic } from "./aws/traffic-failure-cases.ts";
import { suite as compose } from "./compose/failure-cases.ts";
import { suite as consul } from "./consul/failure-cases.ts";
import { suite as haproxy } from "./haproxy/failure-cases.ts";
import { suite as http } from "./http/failure-cases.ts";
import { suite as kubernetes } from "./kubernetes/failure-cases.ts";
import { suite as patroni } from "./patroni/failure-cases.ts";
import { suite as pgbackrest } from "./pgbackrest/failure-cases.ts";
import { suite as pgbouncer } from "./pgbouncer/failure-cases.ts";
import { suite as dump } from "./postgres/dump-failure-cases.ts";
import { suite as postgres } from "./postgres/failure-cases.ts";
import { suite as rabbitmq } from "./rabbitmq/failure-cases.ts";
import { aloneSuite, watchedSuite } from "./redis/failure-cases.ts";
import { suite as s3 } from "./s3/failure-cases.ts";
import { suite as script } from "./script/failure-cases.ts";
import { suite as search } from "./search/failure-cases.ts";
import { suite as traefik } from "./traefik/failure-cases.ts";

/** The failure cases of every target, and the test file beside them that runs them. */
export const failureSuites: readonly (readonly [file: string, suite: FailureSuite])[] = [
  ["app/readonly.test.ts", app],
  ["aws/rds.test.ts", rds],
  ["aws/traffic.test.ts", traffic],
  ["compose/contract.test.ts", compose],
  ["consul/actions.test.ts", consul],
  ["haproxy/contract.test.ts", haproxy],
  ["http/transaction.test.ts", http],
  ["kubernetes/contract.test.ts", kubernetes],
  ["patroni/switchover.test.ts", patroni],
  ["pgbackrest/restore.test.ts", pgbackrest],
  ["pgbouncer/switch.test.ts", pgbouncer],
  ["postgres/dump.test.ts", dump],
  ["postgres/survives.test.ts", postgres],
  ["rabbitmq/contract.test.ts", rabbitmq],
  ["redis/alone.test.ts", aloneSuite],
  ["redis/failover.test.ts", watchedSuite],
  ["s3/actions.test.ts", s3],
  ["script/run.test.ts", script],
  ["search/actions.test.ts", search],
  ["traefik/contract.test.ts", traefik],
];
