import { isAbsolute } from "node:path";
import { z } from "zod";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import type { ReadContext } from "../contract.ts";
import { ask, jsonOf, type RestAnswer, type RestCall, type RestTarget } from "../rest.ts";

const name = z
  .string()
  .max(100)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/);
export const serviceInput = name;

/** A compose project on one Docker engine. */
export const projectInput = z
  .strictObject({
    /** The engine's socket on this machine: `/var/run/docker.sock`. */
    socket: z.string().refine(isAbsolute, "has to be an absolute path").optional(),
    /** Or where it listens: `https://…:2376` with `tls`, or `http://` to this machine. */
    url: z.url({ protocol: /^https?$/ }).optional(),
    /** The secrets that hold the PEM texts. */
    tls: z
      .strictObject({ caFrom: z.string().min(1), certFrom: z.string().min(1), keyFrom: z.string().min(1) })
      .optional(),
    /** `docker info --format {{.ID}}`: an address may lead elsewhere, this can't. */
    engineId: z.string().min(1).max(200),
    /** The project's name, as `docker compose ls` shows it. */
    project: name,
  })
  .refine(({ socket, url }) => (socket === undefined) !== (url === undefined), "needs either socket or url");
export type ProjectTarget = z.infer<typeof projectInput>;

/** What an engine's API is requested here, and no more. Paths carry no version: an engine speaks its own. */
export interface Engine {
  /** The engine's own clock, in seconds. */
  readonly now: number;
  get<T>(path: string): Promise<T>;
  /** Null where the engine knows nothing of that name. */
  find<T>(path: string): Promise<T | null>;
  /** Sent once. Resolves with the status; `alreadySo` (304) and what is listed in `also` are answers, not errors. */
  send(call: RestCall, also?: readonly number[]): Promise<RestAnswer>;
}

/** The engine answered, and refused. */
export class EngineRefusal extends LifeboatError {
  readonly status: number;

  constructor(where: string, status: number, message: string) {
    super({ code: `docker-${status}`, where, what: `The engine answered ${status}: ${message}` });
    this.status = status;
  }
}

/** Opens the plan's engine, by its id, or nothing. */
export async function openEngine(ctx: ReadContext, target: ProjectTarget): Promise<Engine> {
  const rest = restOf(ctx, target);
  const answered = async (call: RestCall, also: readonly number[] = []): Promise<RestAnswer> => {
    const answer = await ask(ctx, rest, call);
    if (answer.status < 300 || also.includes(answer.status)) return answer;
    throw new EngineRefusal(placeOf(target), answer.status, saidIn(answer));
  };
  const info = jsonOf<{ ID: string; SystemTime: string }>(await answered({ path: "/info" }));
  if (info.ID !== target.engineId) {
    throw new LifeboatError({
      code: "other-engine",
      where: placeOf(target),
      what: `This is engine ${info.ID}, and the plan is for ${target.engineId}`,
      stateNow: "Nothing was asked of it or changed in it",
    });
  }
  return {
    now: Date.parse(info.SystemTime) / 1000,
    get: async (path) => jsonOf(await answered({ path })),
    async find(path) {
      const answer = await answered({ path }, [404]);
      return answer.status === 404 ? null : jsonOf(answer);
    },
    send: answered,
  };
}

/** Why nothing is known of an engine. */
export interface NoEngine {
  readonly answers: false;
  readonly why: string;
}
export type EngineLook<T> = NoEngine | ({ readonly answers: true } & T);

/** That an engine is down, refuses us, or is another one, is an observation. */
export async function lookAtEngine<T extends object>(
  ctx: ReadContext,
  target: ProjectTarget,
  look: (engine: Engine) => Promise<T>,
): Promise<EngineLook<T>> {
  try {
    return { ...(await look(await openEngine(ctx, target))), answers: true };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { answers: false, why: error instanceof LifeboatError ? error.problem.what : messageOf(error) };
  }
}

export function placeOf({ project, socket, url }: ProjectTarget): string {
  return `${project} on ${socket ?? url}`;
}

function restOf(ctx: ReadContext, { socket, url, tls }: ProjectTarget): RestTarget {
  if (socket !== undefined) return { url: "http://localhost", socket };
  return {
    url: url ?? "",
    ...(tls && { tls: { ca: ctx.secret(tls.caFrom), cert: ctx.secret(tls.certFrom), key: ctx.secret(tls.keyFrom) } }),
  };
}

function saidIn({ bytes }: RestAnswer): string {
  const text = bytes.toString("utf8");
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text.slice(0, 300);
  } catch {
    return text.slice(0, 300);
  }
}
