import { stateOf } from "../blockkit/answers.ts";
import { checkView, withIds } from "../blockkit/check.ts";
import { limits } from "../limits.ts";
import type { Block, Json, View } from "../objects.ts";
import { APP, BOT, TEAM } from "../people.ts";
import type { Platform } from "../platform.ts";
import { SlackRefusal } from "../refusal.ts";
import type { Args, Methods } from "./method.ts";

export const views: Methods = {
  "views.open": {
    tier: 4,
    needs: null,
    run(platform, args) {
      const view = modalOf(args.all.view);
      const { user } = platform.tokens.exchange(args.text("trigger_id"));
      return { view: openModal(platform, user, view) };
    },
  },
  "views.push": {
    tier: 4,
    needs: null,
    run(platform, args) {
      const view = modalOf(args.all.view);
      const { user } = platform.tokens.exchange(args.text("trigger_id"));
      return { view: pushModal(platform, user, view) };
    },
  },
  "views.update": {
    tier: 4,
    needs: null,
    run(platform, args) {
      const view = modalOf(args.all.view);
      const shown = find(platform, args);
      const hash = args.maybe("hash");
      if (hash !== undefined && hash !== shown.hash) throw new SlackRefusal("hash_conflict");
      return { view: replaceModal(platform, shown.id, view) };
    },
  },
  "views.publish": {
    tier: 4,
    needs: null,
    run(platform, args) {
      const { store } = platform;
      const given = args.all.view;
      checkView(given, "home");
      const user = store.user(args.text("user_id")).id;
      const before = store.homes.get(user);
      const hash = args.maybe("hash");
      if (hash !== undefined && before && hash !== before.hash) throw new SlackRefusal("hash_conflict");
      const view = viewOf(platform, given, before ? { id: before.id } : {});
      store.homes.set(user, view);
      store.views.set(view.id, view);
      store.announce({ kind: "home", user, view });
      return { view };
    },
  },
};

/** A view the app sent, if Slack would take it as a modal. */
export function modalOf(view: unknown): Block & { blocks: Block[] } {
  checkView(view, "modal");
  return view;
}

/** Shows `given` to a person as their only modal. */
export function openModal(platform: Platform, user: string, given: Json): View {
  const view = viewOf(platform, given);
  view.root_view_id = view.id;
  show(platform, user, [view]);
  return view;
}

/** Puts `given` on top of the person's modal. */
export function pushModal(platform: Platform, user: string, given: Json): View {
  const stack = platform.store.modals.get(user) ?? [];
  const top = stack.at(-1);
  if (!top) throw new SlackRefusal("not_found");
  if (stack.length >= limits.viewStack) throw new SlackRefusal("push_limit_reached");
  const view = viewOf(platform, given, { root_view_id: top.root_view_id, previous_view_id: top.id });
  show(platform, user, [...stack, view]);
  return view;
}

/** Puts `given` in the place of an open modal; what was filled in stays where the ids are the same. */
export function replaceModal(platform: Platform, id: string, given: Json): View {
  const { store } = platform;
  const [user, stack] = [...store.modals].find(([, open]) => open.some((view) => view.id === id)) ?? [];
  const before = stack?.find((view) => view.id === id);
  if (!user || !stack || !before) throw new SlackRefusal("not_found");
  const { root_view_id, previous_view_id } = before;
  const view = viewOf(platform, given, { id, root_view_id, previous_view_id });
  show(
    platform,
    user,
    stack.map((one) => (one.id === id ? view : one)),
  );
  return view;
}

/** Makes `stack` what the person sees; an empty one closes their modals. */
export function show(platform: Platform, user: string, stack: View[]): void {
  const { store } = platform;
  for (const view of store.modals.get(user) ?? []) store.views.delete(view.id);
  for (const view of stack) store.views.set(view.id, view);
  if (stack.length > 0) store.modals.set(user, stack);
  else store.modals.delete(user);
  store.announce({ kind: "modal", user, stack });
}

function find(platform: Platform, args: Args): View {
  const { store } = platform;
  const id = args.maybe("view_id");
  const external = args.maybe("external_id");
  const view = id
    ? store.views.get(id)
    : [...store.views.values()].find((one) => external && one.external_id === external);
  if (view?.type !== "modal") throw new SlackRefusal("not_found");
  return view;
}

function viewOf(platform: Platform, given: Json, kept: Partial<View> = {}): View {
  const { store } = platform;
  const external = String(given.external_id ?? "");
  const taken = [...store.views.values()].some((view) => view.external_id === external && view.id !== kept.id);
  if (external !== "" && taken) throw new SlackRefusal("duplicate_external_id");
  const blocks = withIds(given.blocks as Block[], () => store.mintId("b").slice(0, 6));
  const id = kept.id ?? store.mintId("V");
  return {
    id,
    team_id: TEAM,
    app_id: APP,
    bot_id: BOT,
    app_installed_team_id: TEAM,
    type: given.type as View["type"],
    blocks,
    private_metadata: String(given.private_metadata ?? ""),
    callback_id: String(given.callback_id ?? ""),
    external_id: external,
    ...(given.title ? { title: given.title as Json } : {}),
    submit: (given.submit as Json | undefined) ?? null,
    close: (given.close as Json | undefined) ?? null,
    clear_on_close: given.clear_on_close === true,
    notify_on_close: given.notify_on_close === true,
    hash: `${store.mintTs()}.${store.mintId("h").slice(1)}`,
    state: { values: stateOf(blocks, {}) },
    root_view_id: id,
    previous_view_id: null,
    ...kept,
  };
}
