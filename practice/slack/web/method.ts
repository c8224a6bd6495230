import type { Tier } from "../limits.ts";
import type { Block, Json } from "../objects.ts";
import type { Platform } from "../platform.ts";
import { refuseWith } from "../refusal.ts";

/** Scopes by the kind of channel that is meant. */
export interface ByKind {
  readonly public: string;
  readonly private: string;
  readonly im: string;
  readonly mpim: string;
}

/** One Web API method. `run` returns what stands beside `ok: true`, or throws a SlackRefusal. */
export interface Method {
  readonly tier: Tier;
  readonly needs: string | ByKind | null;
  /** `bot` unless said otherwise. */
  readonly token?: "app" | "none";
  run(platform: Platform, args: Args): Json | Promise<Json>;
}
export type Methods = Readonly<Record<string, Method>>;

export const reading: ByKind = { public: "channels:read", private: "groups:read", im: "im:read", mpim: "mpim:read" };
export const managing: ByKind = {
  public: "channels:manage",
  private: "groups:write",
  im: "im:write",
  mpim: "mpim:write",
};
export const history: ByKind = {
  public: "channels:history",
  private: "groups:history",
  im: "im:history",
  mpim: "mpim:history",
};

/** The arguments of a call, whichever way its body was written. */
export class Args {
  readonly all: Readonly<Json>;

  constructor(all: Json) {
    this.all = all;
  }

  /** A required text. */
  text(name: string): string {
    const value = this.maybe(name);
    if (value === undefined) throw refuseWith("invalid_arguments", [`[ERROR] missing required field: ${name}`]);
    return value;
  }

  maybe(name: string): string | undefined {
    const value = this.all[name];
    return value === undefined || value === null || value === "" ? undefined : String(value);
  }

  flag(name: string, otherwise = false): boolean {
    const value = this.all[name];
    return value === undefined || value === null ? otherwise : value === true || value === "true" || value === "1";
  }

  limit(otherwise: number, most: number): number {
    const value = Number(this.all.limit ?? otherwise);
    if (!Number.isInteger(value) || value < 0) throw refuseWith("invalid_limit", []);
    return Math.min(value || otherwise, most);
  }

  /** Comma-separated, or a list. */
  several(name: string): string[] {
    const value = this.all[name];
    const parts = Array.isArray(value) ? value : String(value ?? "").split(",");
    return parts.map((one) => String(one).trim()).filter((one) => one !== "");
  }

  blocks(): Block[] | undefined {
    const { blocks } = this.all;
    return blocks === undefined || blocks === null || blocks === "" ? undefined : (blocks as Block[]);
  }
}

/** One page of `all`, and the cursor of the next. Slack's cursors are opaque; ours are the next index. */
export function page<T>(all: readonly T[], args: Args, otherwise = 100): { some: T[]; next: string } {
  const cursor = args.maybe("cursor");
  const from = cursor === undefined ? 0 : Number(Buffer.from(cursor, "base64url").toString());
  if (!Number.isInteger(from) || from < 0) throw refuseWith("invalid_cursor", []);
  const to = from + args.limit(otherwise, 1000);
  return { some: all.slice(from, to), next: to < all.length ? Buffer.from(String(to)).toString("base64url") : "" };
}
