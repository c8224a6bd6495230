import type { Person } from "../catalog/types.ts";
import type { Caller, Request } from "../command/command.ts";
import type { CommandContext } from "../command/context.ts";
import { checkCode } from "../command/execute/codes.ts";
import type { SignedDecision } from "../incident/commands.ts";
import type { Problem } from "../lib/errors.ts";
import { parsePublicKey } from "../lib/ssh-key.ts";
import type { KeyCounters } from "../mfa/key-counters.ts";
import { holderOf } from "../mfa/second-factor.ts";
import { readSignature, type VerifiedSignature, verifySignature } from "../mfa/sshsig.ts";
import type { OsUsers } from "./os-users.ts";
import { NAMESPACE } from "./protocol.ts";
import type { OpenedSession } from "./sessions.ts";

export interface IdentityPorts {
  readonly context: CommandContext;
  readonly users: OsUsers;
  readonly counters: KeyCounters;
}

/** What a caller has to show for who they are. */
export interface Evidence {
  readonly opened: OpenedSession;
  /** What the record calls someone no one knows yet. */
  readonly calledBy: string;
  readonly code: string | null;
  readonly signature: string | null;
}

export type Identified =
  | { readonly caller: Caller; readonly signed?: NonNullable<Request["signed"]> }
  | { readonly caller: Caller; readonly problem: Problem };

const WHERE = "lifeboat dr";

/** Who it would be without a code; null: nothing says who. `needsCode`: someone else than the user of this machine. */
export async function expected(
  { context, users }: Pick<IdentityPorts, "context" | "users">,
  { uid, as }: Pick<OpenedSession, "uid" | "as">,
): Promise<{ readonly person: Person; readonly needsCode: boolean } | null> {
  const own = uid === null ? null : await users.personOf(uid);
  const said = as ?? own;
  const found = said === null ? null : personCalled(context, said);
  return found === null ? null : { person: found.person, needsCode: found.person.id !== own };
}

/**
 * Who asks, established by the bot alone: a signature by a key of the roster, else the user of this machine where the bot's
 * configuration maps it, else the code of the authenticator of who they say they are. Nothing of the caller's environment counts.
 */
export async function identify(ports: IdentityPorts, request: Request, evidence: Evidence): Promise<Identified> {
  const { context, users } = ports;
  const { uid, as } = evidence.opened;
  const noOne: Caller = { transport: "cli", slackUser: null, person: null, name: evidence.calledBy, blocked: null };
  const no = (problem: Problem): Identified => ({ caller: noOne, problem: { where: WHERE, ...problem } });
  if (evidence.signature !== null) return await bySignature(ports, evidence, noOne);
  const own = uid === null ? null : await users.personOf(uid);
  const said = as ?? own;
  if (said === null)
    return no({
      code: "caller-unknown",
      what: `The bot doesn't know who ${evidence.calledBy} is`,
      allowed:
        "Use --as <person> with a code, or --key with a key of the roster. Or add the user to LIFEBOAT_CLI_USERS",
    });
  const found = personCalled(context, said);
  if (found === null) return no(notOnRoster(said));
  const caller: Caller = { ...noOne, person: found.person.id, name: found.person.name };
  if (own === found.person.id) return { caller };
  const problem = await byCode(context, { ...request, caller: noOne }, found, evidence.code);
  return problem === null ? { caller } : no(problem);
}

async function bySignature(
  { context, counters }: IdentityPorts,
  { opened, signature }: Evidence,
  noOne: Caller,
): Promise<Identified> {
  const no = (problem: Problem): Identified => ({ caller: noOne, problem: { where: WHERE, ...problem } });
  const { statement, as } = opened;
  const read = signature === null ? null : readSignature(signature);
  const verified = read && statement && verifySignature(read, NAMESPACE, statement.bytes);
  if (!read || !statement || !verified)
    return no({
      code: "signature-wrong",
      what: "The signature isn't over what the bot asked to sign, or can't be read",
      allowed: "A signature by ssh-keygen -Y sign -n lifeboat; FIDO keys have to be touched",
    });
  const owners = ownersOf(context, read.key.blob);
  const [owner] = owners;
  if (owner === undefined || owners.length !== 1)
    return no({
      code: "key-unknown",
      what: `The key ${verified.fingerprint} ${owner === undefined ? "isn't on the roster" : "belongs to several people of the roster"}`,
      allowed: "One person's key under keys: in system.yml",
    });
  if (as !== null && personCalled(context, as)?.person.id !== owner.id)
    return no({ code: "key-other", what: `The key ${verified.fingerprint} isn't ${as}'s, but ${owner.name}'s` });
  const { authenticator, fingerprint } = verified;
  if (authenticator !== null && !(await counters.advance(fingerprint, authenticator.counter)))
    return no({
      code: "key-counter",
      what: `The counter of the key ${fingerprint} has not moved on: it may have been copied`,
      allowed: "Another key, or the code of an authenticator",
      next: "Take the key off the roster, and tell the people who run Lifeboat",
    });
  const caller: Caller = { ...noOne, person: owner.id, name: owner.name };
  const userVerified = authenticator?.userVerified === true;
  return { caller, signed: { decision: decisionOf(opened, verified, signature ?? ""), userVerified } };
}

function decisionOf(
  { statement }: OpenedSession,
  verified: VerifiedSignature,
  signature: string,
): SignedDecision | null {
  const decision = statement?.value.decision;
  if (statement === null || decision === undefined) return null;
  const { run, request, planHash, factsHash } = decision;
  const record = { key: verified.fingerprint, statement: statement.bytes.toString("utf8"), signature };
  const userVerified = verified.authenticator?.userVerified === true;
  return { run, ask: request, planHash, factsHash, userVerified, record };
}

/** Null: the code is theirs, and counts. */
async function byCode(
  context: CommandContext,
  request: Request,
  { person, systems }: Found,
  code: string | null,
): Promise<Problem | null> {
  const { mfa } = context;
  if (mfa === undefined || mfa.closed !== null)
    return mfa?.closed ?? { code: "proof-closed", what: "No codes are kept here" };
  for (const system of systems) {
    const holder = holderOf(system, person.id);
    if (!(await mfa.enrolled([holder]))) continue;
    const counts = await mfa.counts(holder, null);
    if (!counts.ok) return counts.problem;
    if (code === null)
      return {
        code: "proof-missing",
        what: `This needs the code ${person.name}'s authenticator shows now`,
        next: `lifeboat dr --as ${person.id} --code 123456 …`,
      };
    const verdict = await checkCode(context, mfa, request, { holder, code });
    return verdict.ok ? null : verdict.problem;
  }
  return {
    code: "proof-not-enrolled",
    what: `${person.name} has enrolled no authenticator`,
    allowed: "/dr enroll sets one up. A key of the roster works too, or a user in LIFEBOAT_CLI_USERS",
  };
}

interface Found {
  readonly person: Person;
  readonly systems: readonly string[];
}

function notOnRoster(said: string): Problem {
  return {
    code: "not-on-roster",
    what: `${said.slice(0, 80)} is not on the roster of any system here`,
    allowed: "The id of a person in system.yml",
  };
}

/** People whose key this is, each once. Ids are one person across rosters, as everywhere. */
function ownersOf({ catalog }: CommandContext, blob: Buffer): readonly Person[] {
  const people = catalog.systems.flatMap((system) => system.people);
  const owners = people.filter(({ keys = [] }) =>
    keys.some((line) => parsePublicKey(line)?.blob.equals(blob) === true),
  );
  return [...new Map(owners.map((person) => [person.id, person])).values()];
}

/** By id, or by a name only one of them has. The same person may be on several rosters. */
function personCalled({ catalog }: CommandContext, said: string): Found | null {
  const all = catalog.systems.flatMap((system) => system.people.map((person) => ({ system: system.id, person })));
  const asked = said.toLowerCase().replace(/^@/, "");
  const named = (id: string) => all.filter(({ person }) => person.id === id);
  const ids = new Set(all.filter(({ person }) => person.name.toLowerCase() === asked).map(({ person }) => person.id));
  const [only] = ids.size === 1 ? ids : [];
  const found = [...named(asked), ...(only === undefined ? [] : named(only))];
  const [first] = found;
  return first === undefined
    ? null
    : { person: first.person, systems: [...new Set(found.map(({ system }) => system))] };
}
