import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { LifeboatError, messageOf } from "../../src/lib/errors.ts";

/** The parts of an app manifest the workspace keeps to, as parsed from `manifest.yml`. */
export interface Manifest {
  readonly features?: {
    readonly slash_commands?: readonly {
      readonly command: string;
      readonly description?: string;
      readonly usage_hint?: string;
      readonly should_escape?: boolean;
    }[];
    readonly shortcuts?: readonly {
      readonly type: "global" | "message";
      readonly name: string;
      readonly callback_id: string;
      readonly description?: string;
    }[];
  };
  readonly oauth_config?: {
    readonly scopes?: { readonly bot?: readonly string[]; readonly bot_optional?: readonly string[] };
  };
  readonly settings?: { readonly event_subscriptions?: { readonly bot_events?: readonly string[] } };
}

/** Reads `manifest.yml`. */
export function readManifest(file: string): Manifest {
  try {
    const manifest = parse(readFileSync(file, "utf8"));
    if (typeof manifest === "object" && manifest !== null) return manifest;
    throw new Error("it is empty");
  } catch (error) {
    throw new LifeboatError({
      code: "manifest-unreadable",
      where: file,
      what: `The manifest can't be read: ${messageOf(error)}`,
    });
  }
}

/** Scopes the app was given, or null: no manifest, so everything is allowed. */
export function scopesOf(manifest: Manifest | undefined): ReadonlySet<string> | null {
  if (!manifest) return null;
  const scopes = manifest.oauth_config?.scopes;
  return new Set([...(scopes?.bot ?? []), ...(scopes?.bot_optional ?? [])]);
}

/** Whether the app asked for this event. `message` needs the kind of channel: `message.channels`. */
export function subscribed(manifest: Manifest | undefined, event: string): boolean {
  if (!manifest) return true;
  return manifest.settings?.event_subscriptions?.bot_events?.includes(event) ?? false;
}

export function commandIn(manifest: Manifest | undefined, command: string): { escape: boolean } | null {
  if (!manifest) return { escape: true };
  const found = manifest.features?.slash_commands?.find((one) => one.command === command);
  return found ? { escape: found.should_escape ?? false } : null;
}
