import type { WebClient } from "@slack/web-api";
import { LifeboatError } from "../../lib/errors.ts";

/** Null: not told apart (an organisation's install has no team, most workspaces have no enterprise). */
export interface Workspace {
  readonly team: string | null;
  readonly enterprise: string | null;
}

/** Who the bot is, as Slack says. */
export interface Identity {
  readonly botUser: string;
  readonly bot: string;
  readonly team: string;
  readonly enterprise: string | null;
}

/** One question, one answer or an error; the one who asks decides how often. */
export async function learnIdentity(client: WebClient): Promise<Identity> {
  const answer = await client.auth.test();
  if (!answer.user_id || !answer.bot_id || !answer.team_id)
    throw new LifeboatError({
      code: "slack-identity",
      where: "Slack",
      what: "auth.test does not name a bot user, so this is not a bot's token",
      allowed: "A token that begins with xoxb-",
    });
  return {
    botUser: answer.user_id,
    bot: answer.bot_id,
    team: answer.team_id,
    enterprise: answer.enterprise_id ?? null,
  };
}

/** The workspaces whose members may speak to the bot; an empty list means its own, never everyone. */
export function workspacesOf(identity: Identity, allowed: readonly Workspace[]): readonly Workspace[] {
  return allowed.length > 0 ? allowed : [{ team: identity.team, enterprise: identity.enterprise }];
}

/** Null on either side of a delivery means Slack did not say; then the other one has to match. */
export function isOneOf(workspaces: readonly Workspace[], team: string | null, enterprise: string | null): boolean {
  return workspaces.some((ours) => {
    if (team !== null && ours.team !== null) return team === ours.team;
    return enterprise !== null && enterprise === ours.enterprise;
  });
}
