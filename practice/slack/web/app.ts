import { faultsOf } from "../blockkit/check.ts";
import { BOT, BOT_USER, TEAM } from "../people.ts";
import { refuseWith, SlackRefusal } from "../refusal.ts";
import type { Methods } from "./method.ts";

/** `auth.*`, `apps.*` and the home tab: what an app asks about itself. */
export const app: Methods = {
  "auth.test": {
    tier: "special",
    needs: null,
    run: (platform) => ({
      url: `${platform.origin()}/`,
      team: "Practice",
      user: "lifeboat",
      team_id: TEAM,
      user_id: BOT_USER,
      bot_id: BOT,
      is_enterprise_install: false,
    }),
  },
  "api.test": { tier: 4, needs: null, token: "none", run: (_platform, args) => ({ args: args.all }) },
  "apps.connections.open": {
    tier: 3,
    needs: null,
    token: "app",
    run: (platform) => ({ url: platform.socketMode.ticket(platform.origin()) }),
  },
  "blocks.validate": {
    tier: 4,
    needs: null,
    token: "none",
    run(_platform, args) {
      const blocks = args.blocks();
      if (!blocks) throw new SlackRefusal("invalid_arguments");
      const faults = faultsOf(blocks, "message");
      if (faults.length > 0) throw refuseWith("invalid_blocks", faults);
      return {};
    },
  },
};
