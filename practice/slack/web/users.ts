import { SlackRefusal } from "../refusal.ts";
import { type Methods, page } from "./method.ts";

/** `users.*`: who has which account, as the app may ask. */
export const users: Methods = {
  "users.info": {
    tier: 4,
    needs: "users:read",
    run: (platform, args) => ({ user: platform.store.user(args.text("user")) }),
  },
  "users.list": {
    tier: 2,
    needs: "users:read",
    run(platform, args) {
      const { some, next } = page([...platform.store.users.values()], args);
      return { members: some, cache_ts: platform.store.seconds(), response_metadata: { next_cursor: next } };
    },
  },
  "users.lookupByEmail": {
    tier: 3,
    needs: "users:read.email",
    run(platform, args) {
      const email = args.text("email");
      const user = [...platform.store.users.values()].find((one) => one.profile.email === email && !one.deleted);
      if (!user) throw new SlackRefusal("users_not_found");
      return { user };
    },
  },
  "usergroups.list": {
    tier: 2,
    needs: "usergroups:read",
    run: (platform, args) => ({
      usergroups: platform.store.groups.map(({ users: members, ...group }) => ({
        ...group,
        team_id: "TPRACTICE",
        is_usergroup: true,
        date_delete: 0,
        user_count: members.length,
        ...(args.flag("include_users") ? { users: members } : {}),
      })),
    }),
  },
  "usergroups.users.list": {
    tier: 2,
    needs: "usergroups:read",
    run(platform, args) {
      const group = platform.store.groups.find((one) => one.id === args.text("usergroup"));
      if (!group) throw new SlackRefusal("no_such_subteam");
      return { users: group.users };
    },
  },
};
