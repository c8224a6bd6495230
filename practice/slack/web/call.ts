import { messageOf } from "../../../src/lib/errors.ts";
import { callsPerMinute } from "../limits.ts";
import { scopesOf } from "../manifest.ts";
import type { Json } from "../objects.ts";
import type { Platform } from "../platform.ts";
import { SlackRefusal } from "../refusal.ts";
import { app } from "./app.ts";
import { canvases } from "./canvases.ts";
import { channelSetup } from "./channel-setup.ts";
import { chat } from "./chat.ts";
import { conversations } from "./conversations.ts";
import { files } from "./files.ts";
import { Args, type ByKind, type Method, type Methods } from "./method.ts";
import { users } from "./users.ts";
import { views } from "./views.ts";

/** Every Web API method there is here. */
export const methods: Methods = {
  ...app,
  ...chat,
  ...conversations,
  ...files,
  ...channelSetup,
  ...canvases,
  ...users,
  ...views,
};

export interface Called {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
}

/** Answers one call of the Web API. `token` is what stood behind `Bearer`, or in the `token` argument. */
export class WebApi {
  private readonly platform: Platform;
  private readonly recent = new Map<string, number[]>();

  constructor(platform: Platform) {
    this.platform = platform;
  }

  async call(name: string, token: string | undefined, args: Json): Promise<Called> {
    const { inspector } = this.platform;
    const started = performance.now();
    const called = await this.answer(name, token, args);
    const { token: _secret, ...sent } = args;
    const error = called.body.ok === true ? null : String(called.body.error ?? called.status);
    inspector.note({
      kind: "call",
      name,
      milliseconds: Math.round((performance.now() - started) * 10) / 10,
      error,
      sent,
      answered: called.body,
    });
    return called;
  }

  private async answer(name: string, token: string | undefined, args: Json): Promise<Called> {
    const { faults } = this.platform;
    if (faults.unavailable()) return { status: 503, headers: {}, body: { ok: false, error: "service_unavailable" } };
    const wait = faults.retryAfter(name) ?? this.tierWait(name);
    if (wait !== null)
      return { status: 429, headers: { "retry-after": String(wait) }, body: { ok: false, error: "ratelimited" } };
    try {
      const method = Object.hasOwn(methods, name) ? (methods[name] as Method) : undefined;
      if (!method) throw new SlackRefusal("unknown_method", { req_method: name });
      this.admit(method, token, args);
      const refused = faults.refusal(name);
      if (refused !== null) throw new SlackRefusal(refused);
      const called = ok(await method.run(this.platform, new Args(args)));
      return method.token === undefined ? { ...called, headers: this.scopesHeader() } : called;
    } catch (error) {
      if (error instanceof SlackRefusal) return ok({ error: error.error, ...error.details }, false);
      return { status: 500, headers: {}, body: { ok: false, error: "internal_error", detail: messageOf(error) } };
    }
  }

  private admit(method: Method, token: string | undefined, args: Json): void {
    if (method.token === "none") return;
    const { store, faults } = this.platform;
    if (!token) throw new SlackRefusal("not_authed");
    if (token !== store.tokens.bot && token !== store.tokens.app) throw new SlackRefusal("invalid_auth");
    if (faults.revoked) throw new SlackRefusal("token_revoked");
    if ((token === store.tokens.app) !== (method.token === "app")) throw new SlackRefusal("not_allowed_token_type");
    const given = scopesOf(this.platform.manifest);
    const needed = method.needs && scopesFor(this.platform, method.needs, args).find((scope) => !given?.has(scope));
    if (given && needed) throw new SlackRefusal("missing_scope", { needed, provided: [...given].join(",") });
  }

  /** Slack names the scopes of the token in every answer. @see https://docs.slack.dev/authentication/installing-with-oauth */
  private scopesHeader(): Called["headers"] {
    const scopes = scopesOf(this.platform.manifest);
    return scopes === null ? {} : { "x-oauth-scopes": [...scopes].join(",") };
  }

  /** Seconds to wait for this method's tier, when tiers are enforced. */
  private tierWait(name: string): number | null {
    const method = methods[name];
    if (!this.platform.faults.tiers || !method) return null;
    const now = this.platform.faults.now();
    const calls = (this.recent.get(name) ?? []).filter((at) => at > now - 60_000);
    this.recent.set(name, calls);
    const first = calls[0];
    if (first !== undefined && calls.length >= callsPerMinute[method.tier])
      return Math.ceil((first + 60_000 - now) / 1000);
    calls.push(now);
    return null;
  }
}

function ok(body: Json, good = true): Called {
  return { status: 200, headers: {}, body: { ok: good, ...body } };
}

/** One, or for a list of several kinds of channels one of each. */
function scopesFor(platform: Platform, needs: string | ByKind, args: Json): readonly string[] {
  if (typeof needs === "string" || args.types === undefined) return [scopeOf(platform, needs, args)];
  const kinds = String(args.types).split(",");
  return kinds.map((type) => needs[type.trim().replace("_channel", "") as keyof ByKind] ?? needs.public);
}

function scopeOf(platform: Platform, needs: string | ByKind, args: Json): string {
  if (typeof needs === "string") return needs;
  const named = platform.store.channels.get(String(args.channel ?? ""))?.kind;
  const asked = args.is_private === true || args.is_private === "true" ? "private" : "public";
  return needs[named ?? asked];
}
