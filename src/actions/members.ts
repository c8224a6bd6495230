import type { RoleObservation, TargetLook } from "../catalog/roles.ts";
import { withDeadline } from "../lib/deadline.ts";
import { messageOf } from "../lib/errors.ts";
import type { ReadContext } from "./contract.ts";
import { dnsMember } from "./dns/member.ts";
import { loadFor } from "./load.ts";
import type { MemberKind } from "./member.ts";
import { patroniMember } from "./patroni/member.ts";
import { postgresMember } from "./postgres/member.ts";
import { s3SettingMember } from "./s3/member.ts";
import { traefikMember } from "./traefik/member.ts";

/** Every kind of target whose members have roles. */
export const memberKinds: ReadonlyMap<string, MemberKind> = new Map(
  ([postgresMember, dnsMember, s3SettingMember, traefikMember, patroniMember] as unknown as MemberKind[]).map((one) => [
    one.kind,
    one,
  ]),
);

/** A connection is given up sooner, so that two looks fit into the deadline of a step's. */
const LOOK_SECONDS = 4;

/** What a look needs; without a signal only its own deadline ends it. */
type LookContext = Omit<ReadContext, "signal" | "evidenceOf"> & { readonly signal?: AbortSignal };

/** Looks at every member of every target at once: target → member → what was seen. Never rejects. */
export async function lookAtMembers(
  ctx: LookContext,
  targets: readonly TargetLook[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, RoleObservation>>> {
  // What can't be loaded is said by the look itself.
  for (const kind of new Set(targets.map((one) => one.kind))) await loadFor(kind).catch(() => {});
  const looks = targets.map(async ({ target, kind, members }) => {
    const seen = members.map(async ({ id, input }) => [id, await lookTwice(ctx, kind, id, input)] as const);
    return [target, new Map(await Promise.all(seen))] as const;
  });
  return new Map(await Promise.all(looks));
}

/** One look that met silence is no lost site: it is looked at once more before anyone believes it. */
async function lookTwice(...of: Parameters<typeof lookAtMember>): Promise<RoleObservation> {
  const first = await lookAtMember(...of);
  return first.state === "silent" ? await lookAtMember(...of) : first;
}

async function lookAtMember(ctx: LookContext, kind: string, id: string, input: unknown): Promise<RoleObservation> {
  const known = memberKinds.get(kind);
  const parsed = known?.input.safeParse(input);
  if (known === undefined || !parsed?.success)
    return {
      state: "unclear",
      says: `${id} cannot be looked at: ${parsed?.error?.issues[0]?.message ?? `no kind ${kind}`}`,
    };
  try {
    return await withDeadline(
      id,
      LOOK_SECONDS,
      (signal) => known.look({ ...ctx, signal, evidenceOf: () => null }, parsed.data),
      ctx.signal,
    );
  } catch (error) {
    ctx.signal?.throwIfAborted();
    // A look that runs out of time met silence; anything else is our own trouble, and no word about the member.
    const late =
      error instanceof Error && "problem" in error && (error.problem as { code?: string }).code === "deadline";
    return {
      state: late ? "silent" : "unclear",
      says: `${id} ${late ? "does not answer" : `cannot be asked: ${messageOf(error)}`}`,
    };
  }
}
