import type { Platform } from "../platform.ts";
import { Refusal } from "../refusal.ts";
import { react } from "../web/furniture.ts";
import type { Deed, Outcome } from "./deed.ts";
import { close, submit } from "./form.ts";
import { home, shortcut, suggest, use } from "./press.ts";
import { open, say, share, slash } from "./write.ts";

/** Does what `user` does, and resolves when the app has acknowledged it or its three seconds are over. */
export async function perform(platform: Platform, user: string, deed: Deed): Promise<Outcome> {
  platform.store.user(user);
  switch (deed.do) {
    case "slash":
      return slash(platform, user, deed);
    case "say":
      return say(platform, user, deed);
    case "use":
      return use(platform, user, deed);
    case "suggest":
      return suggest(platform, user, deed);
    case "submit":
      return submit(platform, user, deed.view, deed.filled);
    case "close":
      return close(platform, user, deed.view, deed.all ?? false);
    case "shortcut":
      return shortcut(platform, user, deed);
    case "open":
      return open(platform, user, deed);
    case "home":
      return home(platform, user);
    case "react":
      react(platform, deed.channel, deed.ts, deed.name, user);
      return { ok: true };
    case "share":
      return share(platform, user, deed);
    default:
      deed satisfies never;
      throw new Refusal("unknown_deed");
  }
}
