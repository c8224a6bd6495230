/** Slack's objects as this workspace keeps them: Slack's own field names, so that they go over the wire as they are. */
export type Json = { [key: string]: unknown };
export type Block = Json & { type: string; block_id?: string };
export type Element = Json & { type: string; action_id?: string };

export interface User {
  readonly id: string;
  readonly team_id: string;
  readonly name: string;
  readonly real_name: string;
  readonly deleted: boolean;
  readonly is_bot: boolean;
  readonly is_app_user: boolean;
  readonly is_admin: boolean;
  readonly is_owner: boolean;
  readonly is_restricted: boolean;
  readonly is_ultra_restricted: boolean;
  readonly is_stranger?: boolean;
  readonly tz: string;
  readonly tz_label: string;
  readonly tz_offset: number;
  readonly updated: number;
  readonly profile: Readonly<Record<string, string>>;
}

export interface Channel {
  id: string;
  name: string;
  kind: "public" | "private" | "im" | "mpim";
  created: number;
  creator: string;
  archived: boolean;
  shared: boolean;
  topic: { value: string; creator: string; last_set: number };
  purpose: { value: string; creator: string; last_set: number };
  members: string[];
}

export interface Message {
  type: "message";
  subtype?: string;
  ts: string;
  channel: string;
  user: string;
  team: string;
  text: string;
  blocks?: Block[];
  attachments?: Json[];
  bot_id?: string;
  app_id?: string;
  thread_ts?: string;
  reply_count?: number;
  reply_users?: string[];
  latest_reply?: string;
  metadata?: Json;
  edited?: { user: string; ts: string };
  files?: FileObject[];
  reactions?: { name: string; users: string[]; count: number }[];
  pinned_to?: string[];
  /** Only this person sees it, until they reload. */
  only?: string;
}

export interface FileObject {
  id: string;
  created: number;
  name: string;
  title: string;
  mimetype: string;
  size: number;
  user: string;
  url_private: string;
  url_private_download: string;
  permalink: string;
  is_external: false;
  channels: string[];
}

export interface Bookmark {
  id: string;
  channel_id: string;
  title: string;
  link: string;
  emoji: string;
  type: string;
  date_created: number;
}

/** A channel's canvas. */
export interface Canvas {
  id: string;
  channel_id: string;
  /** Who made it. */
  user: string;
  title: string;
  markdown: string;
  updated: number;
}

export interface View {
  id: string;
  team_id: string;
  app_id: string;
  bot_id: string;
  app_installed_team_id: string;
  type: "modal" | "home";
  blocks: Block[];
  private_metadata: string;
  callback_id: string;
  external_id: string;
  title?: Json;
  submit?: Json | null;
  close?: Json | null;
  clear_on_close: boolean;
  notify_on_close: boolean;
  hash: string;
  state: { values: Record<string, Record<string, Json>> };
  root_view_id: string;
  previous_view_id: string | null;
  /** Field errors of the last submission, shown beside their inputs. */
  errors?: Record<string, string>;
}

/** What is made known to the page and to the one who waits in a test. */
export type Change =
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "deleted"; readonly channel: string; readonly ts: string }
  | { readonly kind: "channel"; readonly channel: Channel }
  | { readonly kind: "bookmarks"; readonly channel: string }
  | { readonly kind: "modal"; readonly user: string; readonly stack: readonly View[] }
  | { readonly kind: "home"; readonly user: string; readonly view: View }
  | { readonly kind: "inspected"; readonly entry: Json }
  | { readonly kind: "faults" };
