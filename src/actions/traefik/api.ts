import { LifeboatError, messageOf } from "../../lib/errors.ts";
import type { ReadContext } from "../contract.ts";
import { ask, basicLogin, jsonOf } from "../rest.ts";
import type { Lead } from "./file.ts";

export interface ApiTarget {
  readonly api: string;
  readonly login?: { readonly user: string; readonly passwordFrom: string } | undefined;
}

/** What Traefik itself says it does with a service. Plain JSON. */
export interface Routed {
  readonly answers: boolean;
  readonly why: string | null;
  readonly lead: Lead | null;
  /** By server: `UP`, `DOWN`; of every service that has a share. */
  readonly servers: Readonly<Record<string, string>>;
}

interface ApiService {
  readonly loadBalancer?: { readonly servers?: readonly { readonly url: string }[] };
  readonly weighted?: { readonly services?: readonly { readonly name: string; readonly weight?: number }[] };
  readonly serverStatus?: Readonly<Record<string, string>>;
}

/** That it does not answer is an observation. */
export async function lookAtTraefik(ctx: ReadContext, target: ApiTarget, service: string): Promise<Routed> {
  try {
    const found = await serviceOf(ctx, target, service);
    const shares = found?.weighted?.services?.filter(({ weight }) => (weight ?? 1) > 0) ?? [];
    const children = await Promise.all(shares.map(({ name }) => serviceOf(ctx, target, name)));
    return {
      answers: true,
      why: null,
      lead: found && leadOf(found),
      servers: Object.assign({}, found?.serverStatus, ...children.map((one) => one?.serverStatus)),
    };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { answers: false, why: messageOf(error), lead: null, servers: {} };
  }
}

/** Null: it knows no such service. */
async function serviceOf(ctx: ReadContext, target: ApiTarget, name: string): Promise<ApiService | null> {
  const headers = target.login ? basicLogin(ctx, target.login) : {};
  const path = `/api/http/services/${encodeURIComponent(`${bare(name)}@file`)}`;
  const answer = await ask(ctx, { url: target.api, headers }, { path });
  if (answer.status === 404) return null;
  if (answer.status === 200) return jsonOf<ApiService>(answer);
  throw new LifeboatError({ code: "traefik-api", where: target.api, what: `Its API answered ${answer.status}` });
}

function leadOf({ loadBalancer, weighted }: ApiService): Lead | null {
  if (loadBalancer?.servers) return { servers: loadBalancer.servers.map(({ url }) => url) };
  if (!weighted?.services) return null;
  return { weights: Object.fromEntries(weighted.services.map(({ name, weight }) => [bare(name), weight ?? 1])) };
}

function bare(name: string): string {
  return name.replace(/@file$/, "");
}
