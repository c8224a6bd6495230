import { aws } from "./aws.ts";
import { consul } from "./consul.ts";
import { docker } from "./docker.ts";
import { haproxy } from "./haproxy.ts";
import { kubernetes } from "./kubernetes.ts";
import { patroni } from "./patroni.ts";
import { pgbackrest } from "./pgbackrest.ts";
import { pgbouncer } from "./pgbouncer.ts";
import { postgres } from "./postgres.ts";
import { rabbitmq } from "./rabbitmq.ts";
import { redis } from "./redis.ts";
import { s3 } from "./s3.ts";
import { search } from "./search.ts";
import type { Target } from "./target.ts";
import { traefik } from "./traefik.ts";
import { velero } from "./velero.ts";

/** Every target whose contract can be held against the real thing. Those that load a large SDK are last: no stand-in is starting then. */
export const targets: readonly Target[] = [
  docker,
  traefik,
  haproxy,
  consul,
  pgbouncer,
  postgres,
  pgbackrest,
  patroni,
  redis,
  rabbitmq,
  kubernetes,
  velero,
  aws,
  s3,
  search,
];

export function targetNamed(id: string | undefined): Target {
  const found = targets.find((target) => target.id === id);
  if (found) return found;
  throw new Error(`There is no contract of "${id ?? ""}": ${targets.map((target) => target.id).join(", ")}`);
}
