import { WebClient } from "@slack/web-api";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { announceProblem } from "../sinks/slack/channel.ts";
import { learnIdentity } from "../sinks/slack/identity.ts";
import { createClients, whereTo } from "./clients.ts";
import type { SlackConfig } from "./config.ts";
import { botScopes } from "./manifest.ts";
import { sdkLog } from "./sdk-log.ts";

/** Slack as this configuration finds it. Nothing is posted, and no socket is opened. */
export interface SlackInspection {
  /** The name Slack has for the workspace, or why it does not let the bot in. */
  readonly workspace: { readonly name: string } | { readonly refused: string };
  /** Scopes of `manifest.yml` that the token lacks: the app has to be installed again. Null: Slack did not name the token's. */
  readonly missingScopes: readonly string[] | null;
  /** Null: the app-level token opens sockets, or HTTP is used. */
  readonly socket: string | null;
  /** Null: incidents can be announced; undefined: Slack did not say. */
  readonly announcing: string | null | undefined;
}

export async function inspectSlack(config: SlackConfig, log: Logger): Promise<SlackInspection> {
  const { ask } = createClients(config, log);
  const nothing = { missingScopes: null, socket: null, announcing: undefined };
  const named = await learnIdentity(ask).then(
    () => null,
    (error) => messageOf(error),
  );
  if (named !== null) return { ...nothing, workspace: { refused: named } };
  const { team = "", response_metadata: metadata } = await ask.auth.test();
  const granted = (metadata as { scopes?: readonly string[] } | undefined)?.scopes;
  return {
    workspace: { name: String(team) },
    missingScopes: granted === undefined ? null : botScopes().filter((scope) => !granted.includes(scope)),
    socket: await socketProblem(config, log),
    announcing: await announceProblem({ client: ask, announceIn: config.announceIn, outbox: NOTHING_KNOWN }),
  };
}

/** A doctor knows no channel from before. */
const NOTHING_KNOWN = { queue: async () => null };

/** Asks for the address of a socket, and does not open it. */
async function socketProblem({ transport, apiUrl }: SlackConfig, log: Logger): Promise<string | null> {
  if (transport.kind === "http") return null;
  const client = new WebClient(transport.appToken, {
    ...whereTo(apiUrl),
    timeout: 5_000,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logger: sdkLog(log),
  });
  return client.apps.connections.open({}).then(
    () => null,
    (error) => messageOf(error),
  );
}
