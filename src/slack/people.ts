import type { WebClient } from "@slack/web-api";
import { plain } from "../../templates/messages/kit/escape.ts";
import type { Catalog, System } from "../catalog/types.ts";
import type { Caller } from "../command/command.ts";
import { withDeadline } from "../lib/deadline.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { CLOSED_ACCOUNT } from "../sinks/slack/accounts.ts";
import { callFailureOf } from "../sinks/slack/call-failure.ts";
import type { Workspace } from "../sinks/slack/identity.ts";
import { isOneOf } from "../sinks/slack/identity.ts";
import type { SlackConfig } from "./config.ts";
import { createMemberships } from "./memberships.ts";
import type { Reachability } from "./reachability.ts";
import { personOf, systemsOf } from "./roster.ts";

/** Who speaks to the bot, asked of Slack afresh each time. Whatever can't be established means no. */
export interface People {
  /** `system`: whose roster counts, where the place says so. */
  caller(user: string, where: Where): Promise<Caller>;
  /** On any roster, by the catalogue alone. */
  isListed(user: string): boolean;
  /** Asks Slack about an account of a roster, so that its word is known before it matters. Never rejects. */
  look(user: string): Promise<void>;
  /** Accounts of rosters that may do nothing by Slack's last word (deactivated, guests, left): named nowhere as able to act. It decides nothing. */
  blocked(): ReadonlySet<string>;
  /** The engine's question just before a start: does an approval of this person count now? */
  readonly accountStatus: AccountStatus;
}

/** The engine's questions about people (`src/engine/ports.ts`). */
export interface AccountStatus {
  check(
    system: System,
    person: string,
    atCommandLine?: boolean,
    counted?: (instead: string) => void,
  ): Promise<string | null>;
  gone(system: System, person: string): Promise<string | null>;
}

export interface Where {
  readonly channel: string | null;
  readonly system: string | null;
}

export interface PeopleOptions {
  readonly client: WebClient;
  readonly catalog: Catalog;
  readonly workspaces: () => readonly Workspace[];
  readonly slackUnavailable: SlackConfig["slackUnavailable"];
  /** Seconds for which Slack's last word on an account counts while it is silent, where that is the policy. */
  readonly membershipSeconds: number;
  readonly reachability: Pick<Reachability, "silentSince" | "onSilence">;
  /** An account of a roster may do something, or nothing, other than Slack said before. */
  readonly onChanged?: (user: string, isBlocked: boolean) => void;
  readonly log: Logger;
}

/** A form has to open within 3 s of the click, so who clicked has to be known well before. */
const LOOKUP_SECONDS = 2;
/** Before a start no one holds a form open. */
const ACCOUNT_STATUS_SECONDS = 6;

export function createPeople(options: PeopleOptions): People {
  const { client, catalog, reachability } = options;
  const placeOf = createPlaces(client);
  const isListed = (user: string) => systemsOf(catalog, user).length > 0;
  const memberships = createMemberships<Member | Unknown>(undefined, (user, said, before) => {
    const [is, was] = [isOut(said), before !== null && isOut(before)];
    if (is !== was) options.onChanged?.(user, is);
  });
  const lookUp = async (user: string, seconds: number): Promise<Member> => {
    if (options.workspaces().length === 0) throw new Error("Slack has not said yet which workspace this is.");
    const said = isListed(user) ? memberships.asking(user) : () => {};
    try {
      const answer = await withDeadline("Slack's users.info", seconds, () => client.users.info({ user }));
      if (!answer.user) throw new Error("Slack answered users.info without a user.");
      said(answer.user as Member);
      return answer.user as Member;
    } catch (error) {
      const unknown = failure(error);
      if (unknown.refused) said(unknown);
      throw error;
    }
  };
  /** Slack's answer, or why there is none: at once where it is known to be silent, or becomes known to be. */
  const membership = (user: string): Promise<Member | Unknown> => {
    const since = reachability.silentSince();
    if (since !== null) return Promise.resolve(silence(since));
    return new Promise((resolve) => {
      const stop = reachability.onSilence((silentSince) => resolve(silence(silentSince)));
      void lookUp(user, ACCOUNT_STATUS_SECONDS).catch(failure).then(resolve).finally(stop);
    });
  };
  const blockedBy = (said: Member | Unknown) =>
    said instanceof Unknown ? said.why : blockedAs(said, options.workspaces());
  /** Slack knows the account as none that may act; that it refused to say is no word about it. */
  function isOut(said: Member | Unknown): boolean {
    return said instanceof Unknown ? CLOSED_ACCOUNT.has(said.error ?? "") : blockedBy(said) !== null;
  }

  /** Without Slack's answer: its last word where that was a no; else what the policy of this installation says. */
  function withoutSlack(user: string, silent: Unknown, rosterDecides: boolean): Verdict {
    const last = memberships.last(user);
    if (last !== null && blockedBy(last.said) !== null)
      return { why: blockedBy(last.said), sure: true, by: "Slack's last answer" };
    if (rosterDecides) return { why: null, sure: false, by: "the roster" };
    if (options.slackUnavailable !== "cached") return { why: silent.why, sure: false, by: "the policy" };
    if (last === null)
      return { why: `${silent.why} Slack hasn't confirmed it since this bot started.`, sure: false, by: "the policy" };
    const age = Math.ceil(last.ageMs / 1000);
    if (age <= options.membershipSeconds) return { why: null, sure: true, by: `Slack's answer of ${age} s before` };
    const tooOld = `Slack confirmed it ${age} s ago, and ${options.membershipSeconds} s are allowed.`;
    return { why: `${silent.why} ${tooOld}`, sure: false, by: "the policy" };
  }

  return {
    isListed,
    async look(user) {
      if (reachability.silentSince() === null) await lookUp(user, ACCOUNT_STATUS_SECONDS).catch(() => {});
    },
    blocked: () => new Set([...memberships.all()].flatMap(([user, said]) => (isOut(said) ? [user] : []))),
    async caller(user, { channel, system }) {
      const [member, place] = await Promise.all([
        lookUp(user, LOOKUP_SECONDS).catch((error: unknown) => failure(error)),
        channel === null ? null : placeOf(channel),
      ]);
      return {
        transport: "slack",
        slackUser: user,
        person: personOf(catalog, user, system),
        name: member instanceof Unknown ? user : nameOf(member),
        blocked: blockedBy(member),
        place,
      };
    },
    accountStatus: {
      async check(system, person, atCommandLine = false, counted = () => {}) {
        const accounts = system.people.find(({ id }) => id === person)?.slack ?? null;
        if (accounts === null) return `${person} is no longer on the roster of ${system.title}.`;
        // Someone without an account decides at the command line, where Slack has no say.
        if (accounts.length === 0) return null;
        const rosterDecides = atCommandLine || options.slackUnavailable === "roster";
        const verdicts = await Promise.all(
          accounts.map(async (user): Promise<Verdict> => {
            const said = await membership(user);
            if (said instanceof Unknown && !said.refused) return withoutSlack(user, said, rosterDecides);
            return { why: blockedBy(said), sure: true, by: null };
          }),
        );
        return verdictOf(verdicts, (by) => {
          // What was decided at the command line never needed Slack's word.
          if (!atCommandLine) counted(by);
          const fields = { event: "slack.silent_membership", person, system: system.id, by };
          options.log.warn(fields, "an approval counts without Slack's answer");
        });
      },
      async gone(system, person) {
        const accounts = system.people.find(({ id }) => id === person)?.slack ?? [];
        const answers = await Promise.all(accounts.map(membership));
        // Where Slack says nothing, or nothing about a member, no one can tell.
        const gone = answers.map((said) => (said instanceof Unknown ? null : blockedBy(said)));
        return gone.includes(null) ? null : (gone[0] ?? null);
      },
    },
  };
}

/** What is true of one account of a person. `sure`: Slack said so, now or not too long ago. */
interface Verdict {
  readonly why: string | null;
  readonly sure: boolean;
  /** What counts in place of Slack's answer; null: it answered. */
  readonly by: string | null;
}

/** One account that Slack says is a member is enough; one it says is none speaks against those no one can tell of. */
function verdictOf(verdicts: readonly Verdict[], counted: (by: string) => void): string | null {
  const members = verdicts.filter(({ why, sure }) => why === null && sure);
  const refused = verdicts
    .filter(({ why }) => why !== null)
    .sort((one, other) => Number(other.sure) - Number(one.sure));
  const [no] = members.length > 0 ? [] : refused;
  if (no !== undefined) return no.why;
  if (members.some(({ by }) => by === null)) return null;
  for (const { by } of members.length > 0 ? members : verdicts) if (by !== null) counted(by);
  return null;
}

function silence(since: Date): Unknown {
  const at = since.toISOString().slice(11, 19);
  return new Unknown(`Slack could not say whether this account may use Lifeboat (no answer since ${at} UTC).`, false);
}

/** Why this member may do nothing here, or null. */
export function blockedAs(member: Member, workspaces: readonly Workspace[]): string | null {
  if (member.deleted) return "This Slack account is deactivated.";
  if (member.is_bot || member.is_app_user || member.is_workflow_bot || member.is_connector_bot)
    return "Bots, apps and workflows may not use Lifeboat.";
  if (member.is_stranger || !isOneOf(workspaces, member.team_id ?? null, member.enterprise_user?.enterprise_id ?? null))
    return "This Slack account belongs to another company's workspace.";
  if (member.is_restricted || member.is_ultra_restricted) return "Guests can't use Lifeboat.";
  if (member.is_invited_user) return "This Slack account has not joined yet.";
  return null;
}

/**
 * The fields of users.info that decide. `has_2fa` is none of them: Slack does not show it reliably to a bot's token, and
 * where a fresh proof is requested it is a second factor of our own (`src/mfa/`).
 *
 * @see https://docs.slack.dev/reference/objects/user-object
 */
export interface Member {
  readonly id?: string;
  readonly team_id?: string;
  readonly enterprise_user?: { readonly enterprise_id?: string };
  readonly name?: string;
  readonly real_name?: string;
  readonly deleted?: boolean;
  readonly is_bot?: boolean;
  readonly is_app_user?: boolean;
  readonly is_workflow_bot?: boolean;
  readonly is_connector_bot?: boolean;
  readonly is_stranger?: boolean;
  readonly is_restricted?: boolean;
  readonly is_ultra_restricted?: boolean;
  readonly is_invited_user?: boolean;
}

/** `refused`: Slack did answer, and its answer was not a member (`user_not_found`). */
class Unknown {
  readonly why: string;
  readonly refused: boolean;
  /** Slack's word for why; null: it did not answer. */
  readonly error: string | null;
  constructor(why: string, refused: boolean, error: string | null = null) {
    this.why = why;
    this.refused = refused;
    this.error = error;
  }
}

function failure(error: unknown): Unknown {
  const callFailure = callFailureOf(error);
  const why = `Slack could not say whether this account may use Lifeboat (${callFailure.kind === "refused" ? callFailure.error : messageOf(error)}).`;
  const refused = callFailure.kind === "refused";
  return new Unknown(why, refused, refused ? callFailure.error : null);
}

type Place = { readonly why: string; readonly known: boolean } | null;

/** How long an answer about a channel counts: a burst of presses asks Slack once. */
const PLACE_MS = 5000;
const PLACES = 1000;

/** Why nothing may be changed from a channel: where people of other companies read along, or where no one can tell. */
function createPlaces(client: WebClient): (channel: string) => Promise<Place> {
  const known = new Map<string, { readonly at: number; readonly place: Place }>();
  return async (channel) => {
    // Direct messages with the bot are read by no one else, and who wrote them is looked up anyway.
    if (channel.startsWith("D")) return null;
    const before = known.get(channel);
    if (before !== undefined && Date.now() - before.at < PLACE_MS) return before.place;
    try {
      const answer = await withDeadline("Slack's conversations.info", LOOKUP_SECONDS, () =>
        client.conversations.info({ channel }),
      );
      const why = answer.channel ? closed(answer.channel) : "Slack could not say who reads this channel.";
      const place = why === null ? null : { why, known: answer.channel !== undefined };
      if (known.size >= PLACES) known.clear();
      known.set(channel, { at: Date.now(), place });
      return place;
    } catch (error) {
      const failure = callFailureOf(error);
      const says = failure.kind === "refused" ? failure.error : messageOf(error);
      return { why: `Slack could not say who reads this channel (${says}).`, known: false };
    }
  };
}

interface Channel {
  readonly is_ext_shared?: boolean;
  readonly is_pending_ext_shared?: boolean;
  readonly pending_shared?: readonly string[];
  readonly is_archived?: boolean;
}

function closed(place: Channel): string | null {
  if (place.is_ext_shared || place.is_pending_ext_shared || (place.pending_shared?.length ?? 0) > 0)
    return "This channel is shared with another company, so nothing may be changed or decided in it.";
  return place.is_archived ? "This channel is archived, so nothing may be changed or decided in it." : null;
}

function nameOf(member: Member): string {
  return plain(member.real_name || member.name || member.id || "somebody");
}
