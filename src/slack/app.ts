import { type AllMiddlewareArgs, type AnyMiddlewareArgs, App, type Receiver, type ReceiverEvent } from "@slack/bolt";
import type { Logger } from "../lib/log.ts";
import type { Workspace } from "../sinks/slack/identity.ts";
import { type Identity, isOneOf } from "../sinks/slack/identity.ts";
import { whereTo } from "./clients.ts";
import type { SlackConfig } from "./config.ts";
import { sdkLog } from "./sdk-log.ts";

export interface AppOptions {
  readonly config: Pick<SlackConfig, "botToken" | "apiUrl">;
  readonly receiver: Receiver;
  readonly log: Logger;
  /** Known before the receiver is started. */
  readonly identity: () => Identity;
  readonly workspaces: () => readonly Workspace[];
  readonly appId: () => string | null;
  /**
   * Called with the body of an event before it is acknowledged; a rejection leaves it unacknowledged, and Slack sends it
   * again. Everything else acknowledges in its own listener.
   */
  readonly keepEvent: (body: Record<string, unknown>) => Promise<void>;
  /** Says to who pressed something, in a workspace that may not speak to this bot, that nothing was done. Never rejects. */
  readonly tellStranger: (body: Record<string, unknown>, text: string) => Promise<void>;
}

/**
 * A Bolt app that neither starts anything nor asks Slack anything: `await app.init()` makes it ready for deliveries.
 * What does not come from our app and our workspaces goes no further than its first middleware.
 */
export function buildApp(options: AppOptions): App {
  const app = new App({
    receiver: keepingEvents(options),
    authorize: async () => {
      const { botUser, bot, team, enterprise } = options.identity();
      return {
        botToken: options.config.botToken,
        botId: bot,
        botUserId: botUser,
        teamId: team,
        ...(enterprise !== null && { enterpriseId: enterprise }),
      };
    },
    clientOptions: { ...whereTo(options.config.apiUrl), timeout: 2500, retryConfig: { retries: 0 } },
    convoStore: false,
    deferInitialization: true,
    extendedErrorHandler: true,
    logger: sdkLog(options.log),
  });
  app.use((args) => oursOnly(options, args));
  app.error(async ({ error }: { error: unknown }) => {
    options.log.error({ event: "slack.handler_failed", err: error }, "a delivery from slack could not be handled");
  });
  return app;
}

/** Whether a delivery is of our app and from a workspace that may speak to it; null: yes. Else why not. */
export function stranger(
  body: Record<string, unknown>,
  appId: string | null,
  workspaces: readonly Workspace[],
): string | null {
  if (appId !== null && body.api_app_id !== undefined && body.api_app_id !== appId)
    return `It was sent to the app ${String(body.api_app_id)}, which is not this one.`;
  const { team, enterprise } = originOf(body);
  return isOneOf(workspaces, team, enterprise)
    ? null
    : `It comes from the workspace ${team ?? "(not named)"}, which may not speak to this bot.`;
}

async function oursOnly(options: AppOptions, args: AnyMiddlewareArgs & AllMiddlewareArgs): Promise<void> {
  const why = stranger(args.body as Record<string, unknown>, options.appId(), options.workspaces());
  if (why === null) return args.next();
  options.log.warn({ event: "slack.delivery_refused", why }, "a delivery from slack was refused");
  if (!("ack" in args) || typeof args.ack !== "function") return;
  const text = `Nothing was done. ${why}`;
  await (args.ack as (said?: object) => Promise<void>)(
    "command" in args ? { response_type: "ephemeral", text } : undefined,
  );
  await options.tellStranger(args.body as Record<string, unknown>, text);
}

function originOf(body: Record<string, unknown>): { team: string | null; enterprise: string | null } {
  const named = (value: unknown) => {
    if (typeof value === "string") return value;
    const id = (value as { id?: unknown } | null | undefined)?.id;
    return typeof id === "string" ? id : null;
  };
  return {
    team: named(body.team) ?? named(body.team_id),
    enterprise: named(body.enterprise) ?? named(body.enterprise_id),
  };
}

/** Bolt acknowledges events before any listener runs, so what has to be durable by then is written here. */
function keepingEvents(options: AppOptions): Receiver {
  const { receiver } = options;
  return {
    init: (app) => {
      const processEvent = async (event: ReceiverEvent) => {
        const isOurs = () => stranger(event.body, options.appId(), options.workspaces()) === null;
        if (event.body.type === "event_callback" && isOurs()) await options.keepEvent(event.body);
        return app.processEvent(event);
      };
      receiver.init({ processEvent } as unknown as App);
    },
    start: () => receiver.start(),
    stop: () => receiver.stop(),
  };
}
