import { z } from "zod";
import { awsErrorOf, awsPlace, type Identity, identify, rightAccount } from "../aws.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { defineLook } from "../read.ts";
import { withRoute53 } from "./client.ts";

const input = z.strictObject({
  ...awsPlace,
  healthChecks: z.array(z.string().min(1).max(64)).min(1).max(20),
});
type Input = z.infer<typeof input>;

interface HealthView {
  readonly id: string;
  /** What the checkers around the world report, whatever is overridden. */
  readonly checkersHealthy: number;
  readonly checkers: number;
  readonly forced: "unhealthy" | "healthy" | null;
  readonly inverted: boolean;
}

interface Seen {
  readonly identity: Identity;
  readonly healthChecks: readonly HealthView[];
  readonly why: string | null;
  readonly denied: boolean;
}

/** Route 53 takes an endpoint for healthy while more than this share of its checkers do. */
const HEALTHY_SHARE = 0.18;

/** What Route 53 makes of some health checks. It reads the control plane; that it does not answer stands in no one's way. */
export const check = defineLook<Input, Seen>({
  id: "route53.check",
  summary: "Look at Route 53 health checks: what the checkers report, and whether they are overridden",
  input,
  budget: { typicalSeconds: 2, warnSeconds: 10, failSeconds: 30 },
  observe: look,
  facts: factsOf,
  checks: checksOf,
  where: () => "route53.check",
  goesWithout: () => "all",
});

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const identity = await identify(ctx, given);
  try {
    const healthChecks = await withRoute53(ctx, given, "read", (route53, within) =>
      Promise.all(
        given.healthChecks.map(async (id): Promise<HealthView> => {
          const [described, status] = await Promise.all([
            route53.getHealthCheck({ HealthCheckId: id }, within),
            route53.getHealthCheckStatus({ HealthCheckId: id }, within),
          ]);
          const config = described.HealthCheck?.HealthCheckConfig;
          const reports = (status.HealthCheckObservations ?? []).map((one) => one.StatusReport?.Status ?? "");
          const inverted = config?.Inverted === true;
          return {
            id,
            checkers: reports.length,
            checkersHealthy: reports.filter((report) => report.startsWith("Success")).length,
            forced: config?.Disabled === true ? (inverted ? "unhealthy" : "healthy") : null,
            inverted,
          };
        }),
      ),
    );
    return { identity, healthChecks, why: null, denied: false };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { kind, says } = awsErrorOf(error);
    return { identity, healthChecks: [], why: says, denied: kind === "denied" };
  }
}

/** A disabled one counts as healthy, and an inverted one is turned round. */
function isHealthy({ forced, checkersHealthy, checkers, inverted }: HealthView): boolean {
  if (forced !== null) return forced === "healthy";
  return checkersHealthy > checkers * HEALTHY_SHARE !== inverted;
}

function factsOf({ healthChecks, why }: Seen): Fact[] {
  return [
    { id: "readable", label: "Health checks can be read", value: why === null, material: false },
    ...healthChecks.map((one, i) => ({
      id: `healthy${i + 1}`,
      label: `Health check ${one.id} counts as healthy`,
      value: isHealthy(one),
      material: false,
    })),
  ];
}

function checksOf({ identity, healthChecks, why, denied }: Seen, given: Input): Check[] {
  const account = rightAccount(identity, given);
  if (why !== null) {
    const lacks = denied ? " Allow route53:GetHealthCheck and route53:GetHealthCheckStatus." : "";
    const says = `The health checks can't be read: ${why}.${lacks}`;
    return [
      { ...account, level: "warn" },
      { id: "healthChecks.readable", level: "warn", ok: false, says },
    ];
  }
  const views = healthChecks.map((one, i): Check => {
    const forced = one.forced === null ? "" : `; forced ${one.forced} by hand`;
    const says = `Health check ${one.id}: ${one.checkersHealthy} of ${one.checkers} checkers find it healthy${forced}, so it counts as ${isHealthy(one) ? "" : "un"}healthy.`;
    return { id: `healthCheck.${i + 1}`, level: "warn", ok: isHealthy(one) && one.forced === null, says };
  });
  return [account, ...views];
}
