import { z } from "zod";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import type { ApplyContext, Check, ReadContext } from "../contract.ts";
import { ask, type RestTarget } from "../rest.ts";

/**
 * Who manages a server: `pg_promote()` beside Patroni would be taken back by it within a round, so Patroni is asked to let its standby
 * cluster lead. `members` and `login` are as the `patroni.*` actions take them, so a cluster can be handed over whole.
 */
export const managedInput = z.strictObject({
  /** `scope` in Patroni's configuration. */
  name: z.string().min(1).max(63),
  members: z.array(z.strictObject({ name: z.string().min(1), url: z.url({ protocol: /^https?$/ }) })).min(1),
  login: z.strictObject({ user: z.string().min(1), passwordFrom: z.string().min(1) }).optional(),
  /** Of the `patroni.*` actions. Here the server's own login is used. */
  database: z.unknown().optional(),
});
export type Managed = z.infer<typeof managedInput>;

/** Plain JSON. */
export interface ManagedView {
  /** The API that answered; null: none did, or one of another cluster. */
  readonly url: string | null;
  readonly why: string;
  readonly paused: boolean;
  /** It is kept from leading by `standby_cluster`. */
  readonly standby: boolean;
}

const SECONDS = 3;

/** The first member that answers is believed: all read the same configuration. */
export async function lookAtManager(ctx: ReadContext, managed: Managed): Promise<ManagedView> {
  let why = "";
  for (const { name, url } of managed.members) {
    try {
      const told = JSON.parse((await ask(ctx, { url }, { path: "/patroni", seconds: SECONDS })).bytes.toString("utf8"));
      const scope = (told as { patroni?: { scope?: string } }).patroni?.scope;
      if (scope !== managed.name) {
        why = `${name} is of cluster ${scope}, and the plan is for ${managed.name}`;
        continue;
      }
      const config = JSON.parse(
        (await ask(ctx, { url }, { path: "/config", seconds: SECONDS })).bytes.toString("utf8"),
      );
      const { pause, standby_cluster: follows } = config as { pause?: boolean; standby_cluster?: object | null };
      return { url, why: "", paused: pause === true, standby: Boolean(follows) };
    } catch (error) {
      ctx.signal.throwIfAborted();
      why = `${name}: ${messageOf(error)}`;
    }
  }
  return { url: null, why, paused: false, standby: false };
}

export function managerReady({ name }: Managed, seen: ManagedView | null): readonly Check[] {
  if (seen === null) return [];
  const wrong =
    seen.url === null
      ? `Patroni of ${name} does not answer (${seen.why})`
      : seen.paused
        ? `${name} is paused: Patroni would promote no one`
        : null;
  const says = wrong === null ? `Patroni of ${name} answers and acts.` : `${wrong}.`;
  const next = seen.paused && "Run patroni.resume first.";
  return [{ id: "manager.acts", level: "block", ok: wrong === null, says, ...(next && { next }) }];
}

/** One request: the cluster follows no one any more, and Patroni promotes its leader. */
export async function letLead(ctx: ApplyContext, managed: Managed): Promise<void> {
  const seen = await lookAtManager(ctx, managed);
  if (seen.url === null) throw refused(managed, `Patroni does not answer (${seen.why})`);
  const { login } = managed;
  const token = login && Buffer.from(`${login.user}:${ctx.secret(login.passwordFrom)}`).toString("base64");
  const target: RestTarget = { url: seen.url, ...(token && { headers: { authorization: `Basic ${token}` } }) };
  const answer = await ask(ctx, target, {
    method: "PATCH",
    path: "/config",
    json: { standby_cluster: null },
    seconds: 10,
  });
  if (answer.status !== 200)
    throw refused(managed, `Patroni answered ${answer.status}: ${answer.bytes.toString("utf8").trim().slice(0, 300)}`);
}

function refused({ name }: Managed, what: string): LifeboatError {
  return new LifeboatError({ code: "patroni-refused", where: name, what });
}
