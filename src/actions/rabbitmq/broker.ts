import { z } from "zod";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { ask, basicLogin, jsonOf, type RestCall } from "../rest.ts";

/** A broker, by its management API. */
export const brokerInput = z.strictObject({
  /** `https://rabbit.example.com:15671`, or `http://` to this machine. */
  url: z.url({ protocol: /^https?$/ }),
  login: z.strictObject({ user: z.string().min(1), passwordFrom: z.string().min(1) }),
  /** The cluster's name (`rabbitmqctl cluster_status`): an address may lead elsewhere, this says who answers. */
  cluster: z.string().min(1),
});
export type BrokerTarget = z.infer<typeof brokerInput>;

/** What of a broker a definitions file is about; left out: everything it has. */
export const vhostInput = z.string().min(1).max(200).optional();

export interface Broker {
  readonly version: string;
  get<T>(path: string): Promise<T>;
  /** Null where the path is unknown: older versions lack some. */
  find<T>(path: string, also?: readonly number[]): Promise<T | null>;
  /** Sent once. */
  post(path: string, body: unknown): Promise<void>;
}

const CALL_SECONDS = 10;

/** Opens the plan's broker, by its cluster's name, or nothing. */
export async function openBroker(ctx: ReadContext, target: BrokerTarget): Promise<Broker> {
  const headers = basicLogin(ctx, target.login);
  const answered = async (call: RestCall, also: readonly number[] = []) => {
    const answer = await ask(ctx, { url: target.url, headers }, { seconds: CALL_SECONDS, ...call });
    if (answer.status < 300 || also.includes(answer.status)) return answer;
    const said = answer.bytes.toString("utf8").slice(0, 300);
    throw new LifeboatError({
      code: `rabbitmq-${answer.status}`,
      where: target.cluster,
      what: `The management API answered ${answer.status}: ${said}`,
    });
  };
  const overview = jsonOf<{ cluster_name?: string; rabbitmq_version?: string; product_version?: string }>(
    await answered({ path: "/api/overview" }),
  );
  if (overview.cluster_name !== target.cluster) {
    throw new LifeboatError({
      code: "other-broker",
      where: target.url,
      what: `This is cluster ${overview.cluster_name}, and the plan is for ${target.cluster}`,
      stateNow: "Nothing was asked of it or changed in it",
    });
  }
  return {
    version: overview.product_version ?? overview.rabbitmq_version ?? "unknown",
    get: async (path) => jsonOf(await answered({ path })),
    async find(path, also = []) {
      const answer = await answered({ path }, [404, ...also]);
      return answer.status === 404 ? null : jsonOf(answer);
    },
    async post(path, json) {
      await answered({ method: "POST", path, json, seconds: 60 });
    },
  };
}

export type BrokerLook<T> = { readonly answers: false; readonly why: string } | ({ readonly answers: true } & T);

/** That a broker is down, refuses us, or is another one, is an observation. */
export async function lookAtBroker<T extends object>(
  ctx: ReadContext,
  target: BrokerTarget,
  look: (broker: Broker) => Promise<T>,
): Promise<BrokerLook<T>> {
  try {
    return { ...(await look(await openBroker(ctx, target))), answers: true };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { answers: false, why: error instanceof LifeboatError ? error.problem.what : messageOf(error) };
  }
}

export function brokerAnswers(seen: BrokerLook<object>, { cluster }: BrokerTarget): Check {
  const says = seen.answers ? `${cluster} answers.` : `${cluster} can't be used: ${seen.why}.`;
  return { id: "broker.answers", level: "block", ok: seen.answers, says };
}

export function answersFact(seen: BrokerLook<object>, { cluster }: BrokerTarget): Fact {
  return { id: "brokerAnswers", label: `${cluster} answers`, value: seen.answers, material: true };
}

export function definitionsPath(vhost: string | undefined): string {
  return vhost === undefined ? "/api/definitions" : `/api/definitions/${encodeURIComponent(vhost)}`;
}

const HEALTH = ["alarms", "local-alarms", "virtual-hosts", "node-is-quorum-critical"] as const;

/** What is wrong by the broker's own checks; empty: nothing. A check this version does not know says nothing. */
export async function sickness(broker: Broker): Promise<readonly string[]> {
  const said = await Promise.all(
    HEALTH.map(async (check) => {
      const answer = await broker.find<{ status?: string; reason?: string }>(`/api/health/checks/${check}`, [503]);
      return answer === null || answer.status === "ok" ? [] : [`${check}: ${answer.reason ?? "failed"}`];
    }),
  );
  return said.flat();
}
