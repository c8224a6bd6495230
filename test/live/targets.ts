import { aws } from "./aws.ts";
import { kubernetes } from "./kubernetes.ts";
import { patroni } from "./patroni.ts";
import { redis } from "./redis.ts";
import { s3 } from "./s3.ts";
import { search } from "./search.ts";
import type { Target } from "./target.ts";

/** Every target whose contract can be held against the real thing. */
export const targets: readonly Target[] = [kubernetes, aws, patroni, redis, s3, search];

export function targetNamed(id: string | undefined): Target {
  const found = targets.find((target) => target.id === id);
  if (found) return found;
  throw new Error(`There is no contract of "${id ?? ""}": ${targets.map((target) => target.id).join(", ")}`);
}
