import { proof as app } from "./app/trials.ts";
import { proof as rds } from "./aws/rds-trials.ts";
import { proof as traffic } from "./aws/traffic-trials.ts";
import { proof as compose } from "./compose/trials.ts";
import { proof as consul } from "./consul/trials.ts";
import { proof as haproxy } from "./haproxy/trials.ts";
import { proof as http } from "./http/trials.ts";
import { proof as kubernetes } from "./kubernetes/trials.ts";
import { proof as patroni } from "./patroni/trials.ts";
import { proof as pgbackrest } from "./pgbackrest/trials.ts";
import { proof as pgbouncer } from "./pgbouncer/trials.ts";
import { proof as dump } from "./postgres/dump-trials.ts";
import { proof as postgres } from "./postgres/trials.ts";
import { proof as rabbitmq } from "./rabbitmq/trials.ts";
import { aloneProof, watchedProof } from "./redis/trials.ts";
import { proof as s3 } from "./s3/trials.ts";
import { proof as script } from "./script/trials.ts";
import { proof as search } from "./search/trials.ts";
import { proof as traefik } from "./traefik/trials.ts";
import type { Proof } from "./trial.ts";

/** The trials of every target, and the test file beside them that runs them. */
export const proofs: readonly (readonly [file: string, proof: Proof])[] = [
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
  ["redis/alone.test.ts", aloneProof],
  ["redis/failover.test.ts", watchedProof],
  ["s3/actions.test.ts", s3],
  ["script/run.test.ts", script],
  ["search/actions.test.ts", search],
  ["traefik/contract.test.ts", traefik],
];
