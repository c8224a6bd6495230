import { LifeboatError } from "../../src/lib/errors.ts";
import type { Json } from "./objects.ts";
import { APP, TEAM } from "./people.ts";
import { type Platform, tell } from "./platform.ts";

/** Things to go wrong, by name. `seconds` and `times` default to what is useful to watch. */
export interface Trouble {
  readonly seconds?: number;
  readonly times?: number;
  /** Only this Web API method (429, lost answers). */
  readonly method?: string;
  /** Only this connection: `socket 2`. */
  readonly connection?: string;
  /** Slack's word for the refusal: `restricted_action`. */
  readonly error?: string;
  /** Whom it befalls: `UDANA`. */
  readonly user?: string;
}

type Cause = (platform: Platform, trouble: Trouble) => void;

const causes: Readonly<Record<string, Cause>> = {
  /** Slack's own refresh: it announces the end of the connection and closes it. */
  refresh: ({ socketMode }, { connection }) => socketMode.refresh("refresh_requested", connection),
  drop: ({ socketMode }, { connection }) => socketMode.drop(connection),
  freeze: ({ socketMode }, { seconds = 20, connection }) => socketMode.freeze(seconds, connection),
  duplicate: ({ weather }, { times = 1 }) => {
    weather.duplicates += times;
  },
  delayEnvelopes: ({ weather }, { seconds = 2 }) => {
    weather.delayEnvelopesSeconds = seconds;
  },
  delayCalls: ({ weather }, { seconds = 2 }) => {
    weather.delayCallsSeconds = seconds;
  },
  stale: ({ weather }, { seconds = 3 * 3600 }) => {
    weather.staleSeconds = seconds;
  },
  rateLimit: ({ weather }, { seconds = 10, method = null }) => {
    weather.limitedUntil = weather.now() + seconds * 1000;
    weather.limitedMethod = method;
  },
  unavailable: ({ weather }, { seconds = 20 }) => {
    weather.unavailableUntil = weather.now() + seconds * 1000;
  },
  losePosts: ({ weather }, { times = 1 }) => {
    weather.losePosts += times;
  },
  loseReplies: ({ weather }, { times = 1, method = null }) => {
    weather.loseReplies += times;
    weather.loseRepliesOf = method;
  },
  appRateLimited: ({ delivery, store }) => {
    const payload = { token: "practice-verification", type: "app_rate_limited", team_id: TEAM, api_app_id: APP };
    const minute = store.seconds() - (store.seconds() % 60);
    void delivery.send({ type: "events_api", accepts: false, payload: { ...payload, minute_rate_limited: minute } });
  },
  revoke: (platform) => {
    void tell(platform, { type: "tokens_revoked", tokens: { bot: ["ULIFEBOAT"], oauth: [] } });
    platform.weather.revoked = true;
    platform.socketMode.refresh("link_disabled");
  },
  restore: ({ weather }) => {
    weather.revoked = false;
  },
  /** What an admin's setting or a limit of the plan does: Slack refuses one method until it is calm. */
  refuse: ({ weather }, { method = "conversations.create", error = "restricted_action", times = Infinity }) => {
    weather.refused.set(method, { error, times });
  },
  /** An account is deactivated while others still count on it. */
  deactivate: ({ store }, { user = "" }) => store.deactivate(user),
  tiers: ({ weather }) => {
    weather.tiers = !weather.tiers;
  },
  calm: ({ weather }) => {
    weather.limitedUntil = weather.unavailableUntil = 0;
    weather.losePosts = weather.loseReplies = weather.duplicates = 0;
    weather.delayEnvelopesSeconds = weather.delayCallsSeconds = weather.staleSeconds = 0;
    weather.revoked = weather.tiers = false;
    weather.refused.clear();
  },
};

/** Makes one trouble happen now. */
export function cause(platform: Platform, name: string, trouble: Trouble = {}): void {
  const found = Object.hasOwn(causes, name) ? causes[name] : undefined;
  if (!found)
    throw new LifeboatError({
      code: "no-such-trouble",
      what: `There is no trouble “${name}”`,
      allowed: `There is: ${Object.keys(causes).join(", ")}`,
    });
  found(platform, trouble);
  platform.store.announce({ kind: "weather" });
}

export function report({ weather, socketMode, delivery }: Platform): Json {
  return { ...weather.report(), connections: socketMode.report(), overHttp: delivery !== socketMode };
}
