import { z } from "zod";
import { awsErrorOf, awsPlace, change, type Identity, identify, insistOnAccount, rightAccount } from "../aws.ts";
import { type Check, type Done, defineAction, type Evidences, type Fact, type ReadContext } from "../contract.ts";
import { until } from "../poll.ts";
import { byHand, inverse, nothing, undoneBy } from "../undo.ts";
import { controlPlanesOf, withRoute53 } from "./client.ts";

const input = z.strictObject({
  ...awsPlace,
  healthCheck: z.string().min(1).max(64),
  /** `unhealthy`: disabled and inverted, so failover records leave it. `healthy`: disabled. `normal`: it checks again. */
  force: z.enum(["unhealthy", "healthy", "normal"]),
  /** Goes on where Route 53's control plane does not answer (it is in us-east-1), and says that nothing was forced. */
  acceptUnreachable: z.boolean().default(false),
  /** Whether it is inverted by design, as `normal` leaves it. Left out: as `restoreFrom` found it, else as it is now, else not. */
  inverted: z.boolean().optional(),
  /** The id of an earlier override of the same check: `normal` gives back what that step found. */
  restoreFrom: z.string().min(1).optional(),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly identity: Identity;
  readonly check: { readonly version: number; readonly disabled: boolean; readonly inverted: boolean } | null;
  /** What the checkers around the world report, whatever the override says. */
  readonly checkersHealthy: number | null;
  readonly checkers: number | null;
  readonly why: string | null;
  /** No one answered; absent: someone did. */
  readonly silent?: true;
  /** Inverted by design, as far as the plan or an earlier step knows; null: no one said. Absent in older logs. */
  readonly byDesign?: boolean | null;
}

interface Flags {
  readonly disabled: boolean;
  readonly inverted: boolean;
}

const FORCED: Record<"unhealthy" | "healthy", Flags> = {
  unhealthy: { disabled: true, inverted: true },
  healthy: { disabled: true, inverted: false },
};

/** A check that is not overridden is as it was made, inverted or not. One that is, and of which no one knows, is taken for not inverted. */
function flagsOf({ force }: Input, { check, byDesign = null }: Pick<Seen, "check" | "byDesign">): Flags {
  if (force !== "normal") return FORCED[force];
  return { disabled: false, inverted: byDesign ?? (check?.disabled === false && check.inverted) };
}

const INVERTED_BEFORE = "invertedBefore";

/** The manual switch of failover records. It is control plane: with us-east-1 gone, use arc.set_routing. */
export const healthcheckOverride = defineAction<Input, Seen>({
  id: "route53.healthcheck_override",
  summary: "Force a Route 53 health check unhealthy or healthy, or let it check again",
  input,
  risk: "reversible",
  service: "restores",
  leads: true,
  repeat: "guarded",
  budget: { typicalSeconds: 10, warnSeconds: 60, failSeconds: 300 },
  controlPlanes: controlPlanesOf,
  resources: (given) => [`route53:${given.account}:healthcheck/${given.healthCheck}`],
  observe: look,
  facts: (seen, given): Fact[] => [
    { id: "state", label: `Health check ${given.healthCheck}`, value: say(seen), material: !given.acceptUnreachable },
    { id: "version", label: "Version", value: seen.check?.version ?? null, material: !given.acceptUnreachable },
    { id: "checkersHealthy", label: "Checkers that find it healthy", value: seen.checkersHealthy, material: false },
  ],
  ready: (seen, given, evidence) => [
    rightAccount(seen.identity, given),
    isThere(seen, given),
    ...designKnown(seen, given, evidence),
  ],
  done: isDone,
  async apply(ctx, given, seen) {
    if (seen.silent && given.acceptUnreachable) return { unreachable: seen.why ?? "no answer" };
    await insistOnAccount(ctx, given);
    const wanted = flagsOf(given, seen);
    const answer = await change("route53:UpdateHealthCheck", () =>
      withRoute53(ctx, given, "change", (route53, within) =>
        route53.updateHealthCheck(
          {
            HealthCheckId: given.healthCheck,
            // Refused when someone changed it since it was looked at.
            ...(seen.check ? { HealthCheckVersion: seen.check.version } : {}),
            Disabled: wanted.disabled,
            Inverted: wanted.inverted,
          },
          within,
        ),
      ),
    );
    return { version: answer.HealthCheck?.HealthCheckVersion ?? null };
  },
  async verify(ctx, given, before, handle) {
    if (typeof handle?.unreachable === "string")
      return {
        says: `NOT FORCED: Route 53's control plane does not answer (${handle.unreachable}), so health check ${given.healthCheck} decides by itself. Force it ${given.force} as soon as the control plane answers.`,
        facts: [{ id: "forced", label: "Forced", value: false, material: false }],
      };
    let state = "The health check has not been seen";
    const seen = await until(
      {
        what: `health check ${given.healthCheck} being forced ${given.force}`,
        seconds: Math.min(30, ctx.budget.failSeconds * 0.9),
        everyMilliseconds: given.pollSeconds * 1000,
        signal: ctx.signal,
        stateNow: () => state,
      },
      async () => {
        const now = await look(ctx, given);
        state = `The health check is ${say(now) ?? "not seen"}`;
        return isDone(now, given, before) === "yes" ? now : null;
      },
    );
    return {
      says: `Health check ${given.healthCheck} is ${say(seen)}. What names answer now is for dns.verify to show.`,
      facts: [
        { id: "version", label: "Version", value: seen.check?.version ?? null, material: false },
        { id: "forced", label: "Forced", value: true, material: false },
        { id: INVERTED_BEFORE, label: "Inverted by design", value: designOf(before), material: false },
      ],
    };
  },
  undo: undoneBy((before, { restoreFrom: _step, inverted: _design, ...given }) => {
    const { check } = before;
    if (check === null) return byHand("What it was before was not seen.");
    const force = check.disabled ? (check.inverted ? "unhealthy" : "healthy") : "normal";
    if (force === given.force) return nothing("It was so before.");
    const says = force === "normal" ? `Let ${given.healthCheck} check again` : `Force ${given.healthCheck} ${force}`;
    const design = force === "normal" ? check.inverted : designOf(before);
    return inverse(
      "route53.healthcheck_override",
      { ...given, force, ...(design !== null && { inverted: design }) },
      says,
    );
  }),
});

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const [identity, found] = await Promise.all([identify(ctx, given), describe(ctx, given)]);
  const remembered = given.restoreFrom === undefined ? undefined : factOf(ctx, given.restoreFrom);
  return { identity, ...found, byDesign: given.inverted ?? remembered ?? null };
}

function factOf(evidence: Evidences, step: string): boolean | undefined {
  const value = evidence.evidenceOf(step)?.facts.find(({ id }) => id === INVERTED_BEFORE)?.value;
  return typeof value === "boolean" ? value : undefined;
}

/** As it was made, where that was seen: an override covers it. */
function designOf({ check, byDesign = null }: Seen): boolean | null {
  return byDesign ?? (check?.disabled === false ? check.inverted : null);
}

/** An override hides whether the check is inverted by design, and setting it to normal would turn its meaning round. */
function designKnown(seen: Seen, given: Input, evidence: Evidences): readonly Check[] {
  if (given.force !== "normal" || designOf(seen) !== null || seen.check === null) return [];
  const { restoreFrom } = given;
  if (restoreFrom !== undefined && evidence.evidenceOf(restoreFrom) === null) return [];
  const says = `Health check ${given.healthCheck} is ${say(seen)}: whether it's inverted by design isn't known. It will check uninverted; say inverted: true if it is.`;
  return [{ id: "healthCheck.design", level: "warn", ok: false, says }];
}

async function describe(ctx: ReadContext, given: Input): Promise<Omit<Seen, "identity">> {
  const { healthCheck } = given;
  try {
    return await withRoute53(ctx, given, "read", async (route53, within) => {
      const [check, status] = await Promise.all([
        route53.getHealthCheck({ HealthCheckId: healthCheck }, within),
        route53.getHealthCheckStatus({ HealthCheckId: healthCheck }, within).catch(() => null),
      ]);
      const config = check.HealthCheck?.HealthCheckConfig;
      const reports = status?.HealthCheckObservations?.map((one) => one.StatusReport?.Status ?? "") ?? null;
      return {
        check: {
          version: check.HealthCheck?.HealthCheckVersion ?? 0,
          disabled: config?.Disabled === true,
          inverted: config?.Inverted === true,
        },
        checkersHealthy: reports?.filter((report) => report.startsWith("Success")).length ?? null,
        checkers: reports?.length ?? null,
        why: null,
      };
    });
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { kind, says } = awsErrorOf(error);
    const why = `${says}${kind === "denied" ? " Allow route53:GetHealthCheck." : ""}`;
    return { check: null, checkersHealthy: null, checkers: null, why, ...(kind === "silent" && { silent: true }) };
  }
}

function isDone(seen: Seen, given: Input, _before: Seen | null): Done {
  if (seen.check === null) return seen.silent && given.acceptUnreachable ? "no" : "unknown";
  const wanted = flagsOf(given, seen);
  return seen.check.disabled === wanted.disabled && seen.check.inverted === wanted.inverted ? "yes" : "no";
}

function isThere(seen: Seen, given: Input): Check {
  if (seen.silent && given.acceptUnreachable) {
    const says = `Route 53's control plane does not answer (${seen.why}), so health check ${given.healthCheck} can't be forced now.`;
    return { id: "healthCheck.there", level: "warn", ok: false, says };
  }
  const ok = seen.check !== null;
  const says = ok
    ? `Health check ${given.healthCheck} is ${say(seen)}; ${seen.checkersHealthy ?? "an unknown number"} of ${seen.checkers ?? "its"} checkers find it healthy.`
    : `Health check ${given.healthCheck} can't be seen: ${seen.why}.`;
  return { id: "healthCheck.there", level: "block", ok, says };
}

function say({ check }: Seen): string | null {
  if (check === null) return null;
  if (!check.disabled) return check.inverted ? "checking, inverted" : "checking";
  return check.inverted ? "forced unhealthy" : "forced healthy";
}
