import type { Platform } from "../platform.ts";
import { SlackRefusal } from "../refusal.ts";
import { react } from "../web/channel-setup.ts";
import { close, submit } from "./form.ts";
import { home, shortcut, suggest, use } from "./press.ts";
import type { Outcome, UserAction } from "./user-action.ts";
import { open, say, share, slash } from "./write.ts";

/** Does what `user` does, and resolves when the app has acknowledged it or its three seconds are over. */
export async function perform(platform: Platform, user: string, action: UserAction): Promise<Outcome> {
  platform.store.user(user);
  switch (action.do) {
    case "slash":
      return slash(platform, user, action);
    case "say":
      return say(platform, user, action);
    case "use":
      return use(platform, user, action);
    case "suggest":
      return suggest(platform, user, action);
    case "submit":
      return submit(platform, user, action.view, action.filled);
    case "close":
      return close(platform, user, action.view, action.all ?? false);
    case "shortcut":
      return shortcut(platform, user, action);
    case "open":
      return open(platform, user, action);
    case "home":
      return home(platform, user);
    case "react":
      react(platform, action.channel, action.ts, action.name, user);
      return { ok: true };
    case "share":
      return share(platform, user, action);
    default:
      action satisfies never;
      throw new SlackRefusal("unknown_deed");
  }
}
