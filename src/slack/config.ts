import { LifeboatError } from "../lib/errors.ts";
import type { Workspace } from "../sinks/slack/identity.ts";

/** What this room needs to know of the installation. `src/config.ts` reads it from the environment. */
export interface SlackConfig {
  /** `xoxb-…` */
  readonly botToken: string;
  readonly transport: SocketTransport | HttpTransport;
  /** Where the Web API is when it is not Slack's: the practice workspace. */
  readonly apiUrl: string | null;
  /** Channel id incidents are announced in when they were not declared from a channel. */
  readonly announceIn: string | null;
  /** Channel checkpoints of the record are posted in; null or absent: none. */
  readonly anchorIn?: string | null;
  /** Workspaces whose members may speak to the bot. Empty: the one its token belongs to, and no other. */
  readonly allowed: readonly Workspace[];
  /** Deliveries of another app are refused. Null: Slack names it when a socket opens; over HTTP the secret is per app. */
  readonly appId: string | null;
  /** How many times as fast as Slack's documented rate limits messages are published; 1 outside practice. 1 if left out. */
  readonly rate?: number;
  /**
   * May a step whose approvals are all there start while Slack can't be asked whether the approvers are still members?
   * `roster`: the roster decides and the log says so. `cached`: Slack's last word on the account counts, for `membershipSeconds`.
   * `refuse`: nothing starts until Slack answers.
   */
  readonly slackUnavailable: "roster" | "cached" | "refuse";
  /** How old Slack's last word on an account may be, where it counts. */
  readonly membershipSeconds: number;
}

export interface SocketTransport {
  readonly kind: "socket";
  /** `xapp-…` with `connections:write`. The one who holds it receives what people press: keep it apart. */
  readonly appToken: string;
}

export interface HttpTransport {
  readonly kind: "http";
  /** What Slack signs with now, and what it signed with before while that is changed. */
  readonly signingSecrets: readonly string[];
  readonly port: number;
  readonly host: string;
}

/** Practice tokens never reach slack.com and real ones never reach a practice workspace. */
export function checkTokens(config: SlackConfig): void {
  const tokens = [config.botToken, ...(config.transport.kind === "socket" ? [config.transport.appToken] : [])];
  const practice = tokens.map((token) => /^x(oxb|app)-practice/.test(token));
  if (config.apiUrl === null && practice.some(Boolean))
    throw new LifeboatError({
      code: "slack-practice-token",
      where: "Slack",
      what: "A practice token was given without a practice workspace, so it would be sent to slack.com",
      next: "Set SLACK_API_URL to the practice workspace, or give the tokens of your Slack app",
      stateNow: "Slack was not contacted",
    });
  if (config.apiUrl !== null && !practice.every(Boolean))
    throw new LifeboatError({
      code: "slack-real-token",
      where: "Slack",
      what: "SLACK_API_URL points away from slack.com, and a token that is not a practice token would be sent there",
      next: "Unset SLACK_API_URL, or use tokens that begin with xoxb-practice and xapp-practice",
      stateNow: "Slack was not contacted",
    });
}
