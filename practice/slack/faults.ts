import { LifeboatError } from "../../src/lib/errors.ts";
import type { Json } from "./objects.ts";
import { APP, TEAM } from "./people.ts";
import { type Platform, tell } from "./platform.ts";

/** Things to go wrong, by name. `seconds` and `times` default to what is useful to watch. */
export interface SlackFault {
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

type Cause = (platform: Platform, fault: SlackFault) => void;

const causes: Readonly<Record<string, Cause>> = {
  /** Slack's own refresh: it announces the end of the connection and closes it. */
  refresh: ({ socketMode }, { connection }) => socketMode.refresh("refresh_requested", connection),
  drop: ({ socketMode }, { connection }) => socketMode.drop(connection),
  freeze: ({ socketMode }, { seconds = 20, connection }) => socketMode.freeze(seconds, connection),
  duplicate: ({ faults }, { times = 1 }) => {
    faults.duplicates += times;
  },
  delayEnvelopes: ({ faults }, { seconds = 2 }) => {
    faults.delayEnvelopesSeconds = seconds;
  },
  delayCalls: ({ faults }, { seconds = 2 }) => {
    faults.delayCallsSeconds = seconds;
  },
  stale: ({ faults }, { seconds = 3 * 3600 }) => {
    faults.staleSeconds = seconds;
  },
  rateLimit: ({ faults }, { seconds = 10, method = null }) => {
    faults.limitedUntil = faults.now() + seconds * 1000;
    faults.limitedMethod = method;
  },
  unavailable: ({ faults }, { seconds = 20 }) => {
    faults.unavailableUntil = faults.now() + seconds * 1000;
  },
  losePosts: ({ faults }, { times = 1 }) => {
    faults.losePosts += times;
  },
  loseReplies: ({ faults }, { times = 1, method = null }) => {
    faults.loseReplies += times;
    faults.loseRepliesOf = method;
  },
  appRateLimited: ({ delivery, store }) => {
    const payload = { token: "practice-verification", type: "app_rate_limited", team_id: TEAM, api_app_id: APP };
    const minute = store.seconds() - (store.seconds() % 60);
    void delivery.send({ type: "events_api", accepts: false, payload: { ...payload, minute_rate_limited: minute } });
  },
  revoke: (platform) => {
    void tell(platform, { type: "tokens_revoked", tokens: { bot: ["ULIFEBOAT"], oauth: [] } });
    platform.faults.revoked = true;
    platform.socketMode.refresh("link_disabled");
  },
  restore: ({ faults }) => {
    faults.revoked = false;
  },
  /** What an admin's setting or a limit of the plan does: Slack refuses one method until it is calm. */
  refuse: ({ faults }, { method = "conversations.create", error = "restricted_action", times = Infinity }) => {
    faults.refused.set(method, { error, times });
  },
  /** An account is deactivated while others still count on it. */
  deactivate: ({ store }, { user = "" }) => store.deactivate(user),
  activate: ({ store }, { user = "" }) => store.activate(user),
  tiers: ({ faults }) => {
    faults.tiers = !faults.tiers;
  },
  calm: ({ faults }) => {
    faults.limitedUntil = faults.unavailableUntil = 0;
    faults.losePosts = faults.loseReplies = faults.duplicates = 0;
    faults.delayEnvelopesSeconds = faults.delayCallsSeconds = faults.staleSeconds = 0;
    faults.revoked = faults.tiers = false;
    faults.refused.clear();
  },
};

/** Makes one fault happen now. */
export function cause(platform: Platform, name: string, fault: SlackFault = {}): void {
  const found = Object.hasOwn(causes, name) ? causes[name] : undefined;
  if (!found)
    throw new LifeboatError({
      code: "no-such-fault",
      what: `There is no fault “${name}”`,
      allowed: `There is: ${Object.keys(causes).join(", ")}`,
    });
  found(platform, fault);
  platform.store.announce({ kind: "faults" });
}

export function report({ faults, socketMode, delivery }: Platform): Json {
  return { ...faults.report(), connections: socketMode.report(), overHttp: delivery !== socketMode };
}
