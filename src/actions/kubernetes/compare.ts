import { z } from "zod";
import type { Check, Fact } from "../contract.ts";
import { answersFact, clusterChecks, clusterInput, type Look, lookAtCluster } from "../kubernetes-client.ts";
import { defineLook } from "../read.ts";
import { type Amount, readSide, type Side, type SideWorkload } from "./sides.ts";
import { workloadInput } from "./workload.ts";

const input = z.strictObject({
  /** Where they run now. Where it doesn't answer, only what the other side has by itself is looked at. */
  from: clusterInput,
  /** Where they have to run next. */
  to: clusterInput,
  workloads: z.array(workloadInput).min(1).max(200),
  /** A certificate that ends sooner is a fault. */
  certificateDays: z.number().int().min(0).max(365).default(14),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly from: Look<Side>;
  readonly to: Look<Side>;
  /** ISO 8601. */
  readonly at: string;
}

const DAY_MS = 86_400_000;

/** Whether a cluster that stands by could run what the other one runs: the same images, what pods name, and room for all of it. */
export const compare = defineLook<Input, Seen>({
  id: "kubernetes.compare",
  summary: "Check that a standby cluster has the same images, what the pods name, and enough room",
  input,
  budget: { typicalSeconds: 2, warnSeconds: 10, failSeconds: 30 },
  goesWithout: () => ["from"],
  async observe(ctx, { from, to, workloads }) {
    const look = (target: Input["to"]) =>
      lookAtCluster(ctx, target, [], (cluster) => readSide(cluster, target, workloads));
    const [one, other] = await Promise.all([look(from), look(to)]);
    return { from: one, to: other, at: new Date().toISOString() };
  },
  facts: ({ to }, given): readonly Fact[] => [answersFact(to, given.to)],
  checks({ from, to, at }, given) {
    const checks = clusterChecks(to, given.to);
    if (!to.answers) return checks;
    const active = from.answers ? from : null;
    return [
      ...checks,
      sameImages(active, to, given),
      hasNamed(to, given),
      certificatesLast(to, given, new Date(at)),
      ...(active === null ? [] : [hasRoom(active, to, given)]),
    ];
  },
  where: ({ to }) => to.context,
});

function sameImages(from: Side | null, to: Side, { from: { context: here }, to: { context } }: Input): Check {
  const id = "images.equal";
  if (to.missing.length > 0) {
    return { id, level: "block", ok: false, says: `${context} has no ${to.missing.join(", no ")}.` };
  }
  if (from === null)
    return { id, level: "warn", ok: false, says: `${here} does not answer, so images can't be compared.` };
  const differ = to.workloads.flatMap((one) => {
    const other = from.workloads.find(({ ref }) => ref === one.ref);
    if (other === undefined || sorted(other.images) === sorted(one.images)) return [];
    return [`${one.ref} is ${other.images.join(", ")} in ${here} and ${one.images.join(", ")} in ${context}`];
  });
  const says = differ.length === 0 ? `${context} has the images of ${here}.` : `${differ.join("; ")}.`;
  return { id, level: "block", ok: differ.length === 0, says };
}

function hasNamed({ configMapsMissing, secrets }: Side, { to: { context } }: Input): Check {
  const missing = [
    ...(configMapsMissing ?? []).map((name) => `ConfigMap ${name}`),
    ...(secrets ?? []).flatMap(({ name, present }) => (present ? [] : [`Secret ${name}`])),
  ];
  const says =
    missing.length === 0 ? `${context} has what the pods name.` : `${context} has no ${missing.join(", no ")}.`;
  return { id: "named.present", level: "block", ok: missing.length === 0, says };
}

function certificatesLast({ secrets }: Side, { to: { context }, certificateDays }: Input, now: Date): Check {
  const until = now.getTime() + certificateDays * DAY_MS;
  const ending = (secrets ?? []).flatMap(({ name, expiresAt }) =>
    expiresAt !== null && new Date(expiresAt).getTime() < until ? [`${name} on ${expiresAt.slice(0, 10)}`] : [],
  );
  const says =
    ending.length === 0
      ? `No certificate in ${context} ends within ${certificateDays} days.`
      : `Certificates in ${context} end: ${ending.join(", ")}.`;
  return { id: "certificates.last", level: "block", ok: ending.length === 0, says };
}

/** Room for all that runs on the other side, without what runs here already. */
function hasRoom(from: Side, to: Side, { to: { context } }: Input): Check {
  const more = from.workloads.map((one) => ({
    ...one,
    replicas: Math.max(0, one.replicas - (to.workloads.find(({ ref }) => ref === one.ref)?.replicas ?? 0)),
  }));
  const short = [
    ...shortOf(askedBy(from.workloads), to.gives).map((what) => `its ready nodes give ${what}`),
    ...shortOf(askedBy(more), to.quotaLeft).map((what) => `its quota leaves ${what}`),
  ];
  const says =
    short.length === 0 ? `${context} has room for all of it.` : `${context} has no room: ${short.join("; ")}.`;
  return { id: "room", level: "block", ok: short.length === 0, says };
}

function askedBy(workloads: readonly SideWorkload[]): Amount {
  const sum = (key: keyof Amount) => workloads.reduce((total, { asks, replicas }) => total + asks[key] * replicas, 0);
  return { cpu: sum("cpu"), memory: sum("memory"), pods: sum("pods") };
}

function shortOf(asked: Amount, there: Partial<Amount> | null): readonly string[] {
  const says: Readonly<Record<keyof Amount, (n: number) => string>> = {
    cpu: (n) => `${(n / 1000).toFixed(2)} cores`,
    memory: (n) => `${Math.floor(n / 2 ** 20)} MiB`,
    pods: (n) => `${n} pods`,
  };
  return (Object.keys(says) as (keyof Amount)[]).flatMap((key) => {
    const has = there?.[key];
    return has === undefined || has >= asked[key] ? [] : [`${says[key](has)}, and ${says[key](asked[key])} are needed`];
  });
}

function sorted(images: readonly string[]): string {
  return [...images].sort().join("\n");
}
