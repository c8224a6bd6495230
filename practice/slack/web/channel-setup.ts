import { limits } from "../limits.ts";
import type { Bookmark, Json } from "../objects.ts";
import { BOT_USER } from "../people.ts";
import { byBot, type Platform, post } from "../platform.ts";
import { SlackRefusal } from "../refusal.ts";
import { shown } from "./chat.ts";
import { own, visible } from "./conversations.ts";
import type { Args, Methods } from "./method.ts";

/** What stands in a channel beside its messages: pins, bookmarks, reactions. */
export const channelSetup: Methods = {
  "pins.add": {
    tier: 2,
    needs: "pins:write",
    run(platform, args) {
      const { store } = platform;
      const channel = own(platform, args);
      const message = store.message(channel.id, args.text("timestamp"));
      const pins = store.pins.get(channel.id) ?? [];
      if (pins.some((pin) => pin.ts === message.ts)) throw new SlackRefusal("already_pinned");
      if (pins.length >= limits.pins) throw new SlackRefusal("too_many_pins");
      store.pins.set(channel.id, [...pins, { ts: message.ts, created: store.seconds(), by: BOT_USER }]);
      message.pinned_to = [channel.id];
      store.announce({ kind: "message", message });
      post(platform, {
        ...byBot,
        channel: channel.id,
        subtype: "pinned_item",
        text: "pinned a message to this channel",
      });
      store.announce({ kind: "bookmarks", channel: channel.id });
      return {};
    },
  },
  "pins.remove": {
    tier: 2,
    needs: "pins:write",
    run(platform, args) {
      const { store } = platform;
      const channel = own(platform, args);
      const ts = args.text("timestamp");
      const pins = store.pins.get(channel.id) ?? [];
      if (!pins.some((pin) => pin.ts === ts)) throw new SlackRefusal("no_pin");
      store.pins.set(
        channel.id,
        pins.filter((pin) => pin.ts !== ts),
      );
      const message = store.message(channel.id, ts);
      delete message.pinned_to;
      store.announce({ kind: "message", message });
      store.announce({ kind: "bookmarks", channel: channel.id });
      return {};
    },
  },
  "pins.list": {
    tier: 2,
    needs: "pins:read",
    run(platform, args) {
      const channel = own(platform, args);
      const pins = platform.store.pins.get(channel.id) ?? [];
      const said = platform.store.said(channel.id);
      return {
        items: pins.flatMap((pin) => {
          const message = said.find((one) => one.ts === pin.ts);
          const item = { type: "message", channel: channel.id, created: pin.created, created_by: pin.by };
          return message ? [{ ...item, message: shown(message) }] : [];
        }),
      };
    },
  },
  "bookmarks.add": {
    tier: 2,
    needs: "bookmarks:write",
    run(platform, args) {
      const { store } = platform;
      const channel = own(platform, args, "channel_id");
      const type = args.text("type");
      if (type !== "link") throw new SlackRefusal("invalid_bookmark_type");
      const marks = store.bookmarks.get(channel.id) ?? [];
      if (marks.length >= limits.bookmarks) throw new SlackRefusal("too_many_bookmarks");
      const bookmark: Bookmark = {
        id: store.mintId("Bk"),
        channel_id: channel.id,
        title: args.text("title"),
        link: linkOf(args) ?? missingLink(),
        emoji: args.maybe("emoji") ?? "",
        type,
        date_created: store.seconds(),
      };
      store.bookmarks.set(channel.id, [...marks, bookmark]);
      store.announce({ kind: "bookmarks", channel: channel.id });
      return { bookmark };
    },
  },
  "bookmarks.edit": {
    tier: 2,
    needs: "bookmarks:write",
    run(platform, args) {
      const bookmark = bookmarkOf(platform, args);
      bookmark.title = args.maybe("title") ?? bookmark.title;
      bookmark.link = linkOf(args) ?? bookmark.link;
      bookmark.emoji = args.maybe("emoji") ?? bookmark.emoji;
      platform.store.announce({ kind: "bookmarks", channel: bookmark.channel_id });
      return { bookmark };
    },
  },
  "bookmarks.remove": {
    tier: 2,
    needs: "bookmarks:write",
    run(platform, args) {
      const bookmark = bookmarkOf(platform, args);
      const marks = platform.store.bookmarks.get(bookmark.channel_id) ?? [];
      platform.store.bookmarks.set(
        bookmark.channel_id,
        marks.filter((one) => one !== bookmark),
      );
      platform.store.announce({ kind: "bookmarks", channel: bookmark.channel_id });
      return {};
    },
  },
  "bookmarks.list": {
    tier: 3,
    needs: "bookmarks:read",
    run: (platform, args) => ({
      bookmarks: platform.store.bookmarks.get(visible(platform, args, "channel_id").id) ?? [],
    }),
  },
  "reactions.add": {
    tier: 3,
    needs: "reactions:write",
    run(platform, args) {
      const channel = own(platform, args);
      react(platform, channel.id, args.text("timestamp"), args.text("name").replaceAll(":", ""), BOT_USER);
      return {};
    },
  },
};

/** Adds a person's reaction to a message. */
export function react(platform: Platform, channel: string, ts: string, name: string, user: string): void {
  const message = platform.store.message(channel, ts);
  message.reactions ??= [];
  let reaction = message.reactions.find((one) => one.name === name);
  if (!reaction) {
    reaction = { name, users: [], count: 0 };
    message.reactions.push(reaction);
  }
  if (reaction.users.includes(user)) throw new SlackRefusal("already_reacted");
  reaction.users.push(user);
  reaction.count = reaction.users.length;
  platform.store.announce({ kind: "message", message });
}

function bookmarkOf(platform: Platform, args: Args): Bookmark {
  const marks: Bookmark[] = platform.store.bookmarks.get(visible(platform, args, "channel_id").id) ?? [];
  const bookmark = marks.find((one) => one.id === args.text("bookmark_id"));
  if (!bookmark) throw new SlackRefusal("not_found");
  return bookmark;
}

function linkOf(args: Args): string | undefined {
  const link = args.maybe("link");
  if (link !== undefined && !/^https?:\/\/\S+$/.test(link)) throw new SlackRefusal("invalid_link");
  return link;
}

function missingLink(): never {
  throw new SlackRefusal("invalid_link", {} satisfies Json);
}
