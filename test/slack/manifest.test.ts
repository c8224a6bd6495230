import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { methods } from "../../practice/slack/web/call.ts";
import { COMMAND } from "../../src/slack/listen/command.ts";
import { SHORTCUTS } from "../../src/slack/listen/shortcut.ts";
import { EVENTS } from "../../src/slack/listen.ts";
import { httpManifest } from "../../src/slack/manifest.ts";

const manifest = parse(readFileSync("manifest.yml", "utf8"));
const scopes: string[] = [...manifest.oauth_config.scopes.bot, ...manifest.oauth_config.scopes.bot_optional];
const source = ["src/slack", "src/sinks/slack"]
  .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)))
  .filter((path) => path.endsWith(".ts"))
  .map((path) => readFileSync(path, "utf8"))
  .join("\n");

type Kind = "public" | "private" | "im";

/**
 * What a bot token needs for each method, in each kind of conversation we call it for; null: nothing. [METH] Group direct messages are
 * none of them: what is requested there is refused, since no one may tell who reads along.
 */
const NEEDS: Record<string, string | null | Partial<Record<Kind, string>>> = {
  "auth.test": null,
  "bookmarks.add": "bookmarks:write",
  "bookmarks.list": "bookmarks:read",
  "canvases.edit": "canvases:write",
  "chat.getPermalink": null,
  "chat.postEphemeral": "chat:write",
  "chat.postMessage": "chat:write",
  "chat.update": "chat:write",
  "conversations.archive": { public: "channels:manage", private: "groups:write" },
  "conversations.canvases.create": "canvases:write",
  "conversations.create": { public: "channels:manage", private: "groups:write" },
  "conversations.history": { public: "channels:history", private: "groups:history", im: "im:history" },
  // Never of a direct message with the bot: no one else reads it.
  "conversations.info": { public: "channels:read", private: "groups:read" },
  "conversations.invite": { public: "channels:manage", private: "groups:write" },
  "conversations.join": "channels:join",
  "conversations.list": { public: "channels:read", private: "groups:read" },
  "conversations.open": "im:write",
  "conversations.replies": { public: "channels:history", private: "groups:history" },
  "conversations.setTopic": { public: "channels:manage", private: "groups:write" },
  // Slack's page names these scopes, and says that bot tokens are refused for now: then a new channel is made. [METH]
  "conversations.unarchive": { public: "channels:manage", private: "groups:write" },
  "files.info": "files:read",
  filesUploadV2: "files:write",
  "pins.add": "pins:write",
  "users.info": "users:read",
  "views.open": null,
  "views.publish": null,
  "views.update": null,
};
/** Scopes of the app-level token, which no manifest holds. */
const APP_LEVEL = { "apps.connections.open": "connections:write" };
const scopesFor = (method: string): readonly string[] => {
  const needs = NEEDS[method] ?? {};
  return typeof needs === "string" ? [needs] : Object.values(needs);
};
/** Scopes that come with a feature rather than a method. */
const FEATURES: Record<string, string> = {
  commands: "slash_commands and shortcuts",
  "app_mentions:read": "app_mention",
};

const called = [
  ...new Set(
    [...source.matchAll(/\b(?:client|ask|act|bulk)\.([a-z]+)\.([a-zA-Z.]+)\(/g)].map(
      ([, family, method]) => `${family}.${method}`,
    ),
  ),
  ...(source.includes(".filesUploadV2(") ? ["filesUploadV2"] : []),
]
  .filter((method) => !Object.hasOwn(APP_LEVEL, method))
  .sort();

describe("the manifest and the code", () => {
  test("every call is one whose scopes are known, and every known one is called", () => {
    expect(called).toEqual(Object.keys(NEEDS).sort());
  });

  test("every call has its scopes", () => {
    const missing = called.flatMap((method) => scopesFor(method).filter((scope) => !scopes.includes(scope)));
    expect(missing).toEqual([]);
  });

  test("the practice workspace asks for the same scopes, by the kind of conversation and of token", () => {
    const asked = (method: string, kind: Kind) => {
      const needs = methods[method === "filesUploadV2" ? "files.completeUploadExternal" : method]?.needs;
      return typeof needs === "object" && needs !== null ? needs[kind] : needs;
    };
    for (const [method, needs] of Object.entries(NEEDS)) {
      if (typeof needs !== "object" || needs === null)
        expect([method, asked(method, "public")]).toEqual([method, needs]);
      else
        for (const [kind, scope] of Object.entries(needs))
          expect([method, asked(method, kind as Kind)]).toEqual([method, scope]);
    }
    for (const method of called) expect([method, methods[method]?.token ?? "bot"]).toEqual([method, "bot"]);
    for (const [method, scope] of Object.entries(APP_LEVEL)) {
      expect(methods[method]?.token).toBe("app");
      expect(scopes).not.toContain(scope);
      expect(readFileSync("manifest.yml", "utf8")).toContain(scope);
    }
  });

  test("no scope is requested that nothing needs", () => {
    const needed = new Set([...called.flatMap(scopesFor), ...Object.keys(FEATURES)]);
    expect(scopes.filter((scope) => !needed.has(scope))).toEqual([]);
    expect(new Set(scopes).size).toBe(scopes.length);
  });

  test("every scope says why it is requested", () => {
    const lines = readFileSync("manifest.yml", "utf8").split("\n");
    const bare = scopes.filter((scope) => {
      const at = lines.findIndex((line) => line.trim() === `- ${scope}`);
      const above = lines
        .slice(0, at)
        .reverse()
        .find((line) => !/^ {6}- /.test(line));
      return !above?.trim().startsWith("#");
    });
    expect(bare).toEqual([]);
  });

  test("commands, shortcuts and events are the ones listened for", () => {
    const { slash_commands, shortcuts } = manifest.features;
    expect(slash_commands.map(({ command }: { command: string }) => command)).toEqual([COMMAND]);
    expect(
      Object.fromEntries(
        shortcuts.map(({ callback_id, type }: { callback_id: string; type: string }) => [callback_id, type]),
      ),
    ).toEqual(Object.fromEntries(Object.entries(SHORTCUTS).map(([id, { type }]) => [id, type])));
    expect([...manifest.settings.event_subscriptions.bot_events].sort()).toEqual([...EVENTS].sort());
    const listened = [...source.matchAll(/app\.event\("([a-z_]+)"/g)].map(([, name]) => name);
    expect(listened.sort()).toEqual([...EVENTS].sort());
  });

  test("is one Slack takes", () => {
    const { display_information: about, features, settings } = manifest;
    expect(about.name).toBe("Lifeboat");
    expect(about.description.length).toBeLessThanOrEqual(140);
    expect(about.long_description.length).toBeGreaterThanOrEqual(175);
    expect(about.long_description.length).toBeLessThanOrEqual(4000);
    for (const { name, description } of features.shortcuts) {
      expect(name.length).toBeLessThanOrEqual(24);
      expect(description.length).toBeLessThanOrEqual(150);
    }
    expect(features.slash_commands[0].should_escape).toBe(true);
    expect(settings).toMatchObject({
      socket_mode_enabled: true,
      interactivity: { is_enabled: true },
      token_rotation_enabled: false,
    });
  });
});

describe("the manifest for HTTP", () => {
  const url = "https://lifeboat.example.com/slack/events";

  test.each(["https://lifeboat.example.com", "https://lifeboat.example.com/", url])("%s", (address) => {
    const { features, settings, ...rest } = parse(httpManifest(address));
    const { features: before, settings: settingsBefore, ...others } = manifest;
    expect(rest).toEqual(others);
    expect(features).toEqual({ ...before, slash_commands: [{ ...before.slash_commands[0], url }] });
    expect(settings).toEqual({
      ...settingsBefore,
      socket_mode_enabled: false,
      event_subscriptions: { ...settingsBefore.event_subscriptions, request_url: url },
      interactivity: { is_enabled: true, request_url: url },
    });
  });

  test.each(["http://lifeboat.example.com", "lifeboat.example.com", "https://x.example.com/?a=1", ""])(
    "%s is refused",
    (address) => {
      expect(() => httpManifest(address)).toThrow("no address Slack can send to");
    },
  );
});
