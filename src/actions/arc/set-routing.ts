import type { Route53RecoveryCluster } from "@aws-sdk/client-route53-recovery-cluster";
import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { awsErrorOf, awsPlace, change, clientSettings, type Use } from "../aws.ts";
import { type Check, type Done, defineAction, type ReadContext } from "../contract.ts";
import { until } from "../poll.ts";
import { byHand, inverse, undoneBy } from "../undo.ts";

const { account, pollSeconds } = awsPlace;
const endpoint = z.strictObject({ region: awsPlace.region, url: z.url({ protocol: /^https?$/ }) });
const controlArn = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:route53-recovery-control::\d{12}:controlpanel\/[^/\s]+\/routingcontrol\/[^/\s]+$/,
    "has to be an ARN",
  );
const input = z.strictObject({
  account,
  pollSeconds,
  /** The cluster's own regional endpoints, written down before the incident: five, of which three always answer. */
  endpoints: z.array(endpoint).min(1).max(5),
  controls: z
    .array(z.strictObject({ arn: controlArn, state: z.enum(["On", "Off"]) }))
    .min(1)
    .max(10),
  /** Overrides: safety rules that may be violated by this change. */
  overrideRules: z.array(z.string().min(1)).max(10).default([]),
});
type Input = z.infer<typeof input>;
type Endpoint = z.infer<typeof endpoint>;

/** What one endpoint says of every control. */
interface Answer {
  readonly region: string;
  /** In the order of the input; null when this endpoint did not answer. */
  readonly states: readonly string[] | null;
  readonly why: string | null;
}

interface Seen {
  readonly answers: readonly Answer[];
}

const QUORUM = 3;

/** Traffic switches on ARC's data plane, which answers when whole regions and Route 53's control plane do not. */
export const setRouting = defineAction<Input, Seen>({
  id: "arc.set_routing",
  summary: "Turn ARC routing controls on and off, all in one update, over whichever endpoint answers",
  input,
  risk: "reversible",
  service: "interrupts",
  leads: true,
  endsFence: true,
  repeat: "safe",
  budget: { typicalSeconds: 5, warnSeconds: 20, failSeconds: 60 },
  resources: ({ controls }) => controls.map(({ arn }) => `arc:${arn}`),
  // Any endpoint that answers will do.
  goesWithout: ({ endpoints }) => (new Set(endpoints.map(({ region }) => region)).size > 1 ? ["endpoints"] : []),
  observe: look,
  facts: (seen, given) => [
    ...given.controls.map(({ arn, state }, i) => ({
      id: `control${i + 1}`,
      label: `${shortOf(arn)}, to be ${state}`,
      value: agreed(seen, i),
      material: true,
    })),
    {
      id: "overrides",
      label: "Safety rules overridden",
      value: given.overrideRules.join(", ") || "none",
      material: true,
    },
    { id: "endpoints", label: "Endpoints that answer", value: answering(seen).length, material: false },
  ],
  ready: (seen, given) => [inAccount(given), someAnswer(seen, given), manyAnswer(seen, given)],
  done: (seen, given) => isDone(seen, given),
  async apply(ctx, given) {
    // Setting states is absolute, so an endpoint that fell silent in the middle can be followed by the next one.
    let last: unknown;
    for (const one of given.endpoints) {
      try {
        await change("route53-recovery-cluster:UpdateRoutingControlStates", () =>
          withCluster(ctx, one, "change", (cluster, within) =>
            cluster.updateRoutingControlStates(
              {
                UpdateRoutingControlStateEntries: given.controls.map(({ arn, state }) => ({
                  RoutingControlArn: arn,
                  RoutingControlState: state,
                })),
                ...(given.overrideRules.length > 0 ? { SafetyRulesToOverride: given.overrideRules } : {}),
              },
              within,
            ),
          ),
        );
        return { region: one.region };
      } catch (error) {
        ctx.signal.throwIfAborted();
        // A refusal by ARC itself (a safety rule, a permission) is the same everywhere.
        if (error instanceof LifeboatError && error.problem.code !== "aws-throttled") throw error;
        ctx.progress(`The endpoint in ${one.region} did not answer; asking the next`);
        last = error;
      }
    }
    throw last;
  },
  async verify(ctx, given) {
    let state = "No endpoint has answered";
    const needed = Math.min(QUORUM, given.endpoints.length);
    const seen = await until(
      {
        what: `${needed} endpoints saying so`,
        seconds: ctx.budget.failSeconds * 0.9,
        everyMilliseconds: given.pollSeconds * 1000,
        signal: ctx.signal,
        stateNow: () => state,
      },
      async () => {
        const now = await look(ctx, given);
        state = given.controls.map(({ arn }, i) => `${shortOf(arn)} is ${agreed(now, i) ?? "unknown"}`).join("; ");
        const so = answering(now).filter((one) => saysSo(one, given));
        return so.length >= needed && so.length === answering(now).length ? now : null;
      },
    );
    return {
      says: `${given.controls.map(({ arn, state }) => `${shortOf(arn)} is ${state}`).join("; ")}, by ${answering(seen).length} of ${given.endpoints.length} endpoints. What names answer now is for dns.verify to show.`,
      facts: [{ id: "endpoints", label: "Endpoints that agree", value: answering(seen).length, material: false }],
    };
  },
  undo: undoneBy((before, { overrideRules: _rules, ...given }) => {
    const controls = given.controls.map(({ arn }, i) => ({ arn, state: agreed(before, i) }));
    if (controls.some(({ state }) => state === null)) return byHand("What the controls were before was not seen.");
    const says = `Set ${controls.map(({ arn, state }) => `${shortOf(arn)} ${state}`).join(", ")}`;
    return inverse("arc.set_routing", { ...given, controls }, says);
  }),
});

export const loadArc = () => import("@aws-sdk/client-route53-recovery-cluster");

async function withCluster<T>(
  ctx: ReadContext,
  { region, url }: Endpoint,
  use: Use,
  work: (cluster: Route53RecoveryCluster, within: { abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  refuseForeign(ctx, url);
  const sdk = await loadArc();
  const settings = await clientSettings(ctx, "ROUTE53_RECOVERY_CLUSTER", region, use, url);
  const client = new sdk.Route53RecoveryCluster({ ...settings, maxAttempts: 1 });
  try {
    return await work(client, { abortSignal: AbortSignal.any([ctx.signal]) });
  } finally {
    client.destroy();
  }
}

/** Signed requests go to AWS, or in practice to this machine, wherever a runbook points. */
function refuseForeign(ctx: ReadContext, url: string): void {
  const { protocol, hostname } = new URL(url);
  if (ctx.practice || (protocol === "https:" && /\.amazonaws\.com(\.cn)?$/.test(hostname))) return;
  throw new LifeboatError({
    code: "arc-endpoint",
    what: `${url} is no endpoint of AWS`,
    allowed: "A cluster endpoint begins with https:// and ends with amazonaws.com",
    stateNow: "Nothing was sent",
  });
}

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  return { answers: await Promise.all(given.endpoints.map((one) => ask(ctx, one, given))) };
}

async function ask(ctx: ReadContext, one: Endpoint, given: Input): Promise<Answer> {
  try {
    const states = await withCluster(ctx, one, "read", (cluster, within) =>
      Promise.all(
        given.controls.map(async ({ arn }) => {
          const answer = await cluster.getRoutingControlState({ RoutingControlArn: arn }, within);
          return answer.RoutingControlState ?? "unknown";
        }),
      ),
    );
    return { region: one.region, states, why: null };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { kind, says } = awsErrorOf(error);
    const lacks = kind === "denied" ? " Allow route53-recovery-cluster:GetRoutingControlState." : "";
    return { region: one.region, states: null, why: `${says}${lacks}` };
  }
}

function answering(seen: Seen): readonly Answer[] {
  return seen.answers.filter((one) => one.states !== null);
}

/** What all endpoints that answer say of a control, or null where they differ or none answers. */
function agreed(seen: Seen, control: number): string | null {
  const all = new Set(answering(seen).map((one) => one.states?.[control]));
  const [state] = all;
  return all.size === 1 ? (state ?? null) : null;
}

function saysSo(one: Answer, given: Input): boolean {
  return given.controls.every(({ state }, i) => one.states?.[i] === state);
}

function isDone(seen: Seen, given: Input): Done {
  const all = given.controls.map((_, i) => agreed(seen, i));
  if (all.some((state) => state === null)) return "unknown";
  return given.controls.every(({ state }, i) => all[i] === state) ? "yes" : "no";
}

function inAccount(given: Input): Check {
  const strays = given.controls.filter(({ arn }) => arn.split(":")[4] !== given.account);
  const says =
    strays.length === 0
      ? `The controls belong to account ${given.account}.`
      : `${strays.map(({ arn }) => arn).join(", ")} does not belong to account ${given.account}.`;
  return { id: "arc.account", level: "block", ok: strays.length === 0, says };
}

function someAnswer(seen: Seen, given: Input): Check {
  const ok = given.controls.every((_, i) => agreed(seen, i) !== null);
  const why = seen.answers.map((one) => `${one.region}: ${one.why ?? one.states?.join(", ")}`).join("; ");
  const says = ok ? "The endpoints agree on what the controls are." : `What the controls are is not known (${why}).`;
  return { id: "arc.known", level: "block", ok, says };
}

function manyAnswer(seen: Seen, given: Input): Check {
  const count = answering(seen).length;
  const needed = Math.min(QUORUM, given.endpoints.length);
  const says = `${count} of ${given.endpoints.length} endpoints answer; ${needed} are needed to see that it is so.`;
  return { id: "arc.endpoints", level: "block", ok: count >= needed, says };
}

function shortOf(arn: string): string {
  return `routing control ${arn.split("/").at(-1)}`;
}
