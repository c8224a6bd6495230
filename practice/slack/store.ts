import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { messageOf } from "../../src/lib/errors.ts";
import type { Bookmark, Canvas, Change, Channel, FileObject, Message, User, View } from "./objects.ts";
import {
  BOT_USER,
  GENERAL_CHANNEL,
  INCIDENT_CHANNEL,
  people,
  RESPONDERS_GROUP,
  SHARED_CHANNEL,
  TEAM,
} from "./people.ts";
import { SlackRefusal } from "./refusal.ts";

/** Everything the workspace remembers. Kept in memory; written to `snapshot` when there is one, so that it can be reopened. */
export class Store {
  readonly users = new Map<string, User>(people.map((user) => [user.id, user]));
  readonly channels = new Map<string, Channel>();
  readonly messages = new Map<string, Message[]>();
  readonly pins = new Map<string, { ts: string; created: number; by: string }[]>();
  readonly bookmarks = new Map<string, Bookmark[]>();
  /** By the channel it is a tab of. */
  readonly canvases = new Map<string, Canvas>();
  readonly files = new Map<string, FileObject>();
  readonly bytes = new Map<string, Buffer>();
  readonly views = new Map<string, View>();
  readonly homes = new Map<string, View>();
  /** Open modals of each person, the visible one last. */
  readonly modals = new Map<string, View[]>();
  readonly ephemerals: Message[] = [];
  readonly groups = [
    { id: RESPONDERS_GROUP, handle: "incident-responders", name: "Incident responders", users: ["UALEX", "USAM"] },
  ];
  tokens = { bot: `xoxb-practice-${secret()}`, app: `xapp-practice-${secret()}` };
  /** Counts changes, so that who waits can say what they have seen. */
  version = 0;

  readonly now: () => number;
  private readonly bus = new EventEmitter().setMaxListeners(0);
  private readonly snapshot: string | undefined;
  private lastTs = 0;
  private saving: NodeJS.Timeout | undefined;

  constructor(options: { now: () => number; snapshot?: string | undefined }) {
    this.now = options.now;
    this.snapshot = options.snapshot;
    if (!this.reopen()) this.setUpChannel();
  }

  /** A message's identity: seconds and microseconds, never twice the same, always growing. */
  mintTs(): string {
    this.lastTs = Math.max(this.lastTs + 1, this.now() * 1000);
    return `${Math.floor(this.lastTs / 1e6)}.${String(this.lastTs % 1e6).padStart(6, "0")}`;
  }

  mintId(letter: string): string {
    return letter + randomBytes(5).toString("hex").toUpperCase();
  }

  seconds(): number {
    return Math.floor(this.now() / 1000);
  }

  channel(id: string): Channel {
    const channel = this.channels.get(id);
    if (!channel) throw new SlackRefusal("channel_not_found");
    return channel;
  }

  user(id: string): User {
    const user = this.users.get(id);
    if (!user) throw new SlackRefusal("user_not_found");
    return user;
  }

  deactivate(id: string): void {
    this.users.set(id, { ...this.user(id), deleted: true });
    for (const channel of this.channels.values())
      if (channel.kind !== "im") channel.members = channel.members.filter((member) => member !== id);
  }

  activate(id: string): void {
    this.users.set(id, { ...this.user(id), deleted: false });
  }

  said(channel: string): Message[] {
    const said = this.messages.get(channel) ?? [];
    this.messages.set(channel, said);
    return said;
  }

  message(channel: string, ts: string): Message {
    const message = this.said(channel).find((one) => one.ts === ts);
    if (!message) throw new SlackRefusal("message_not_found");
    return message;
  }

  addChannel(channel: Partial<Channel> & Pick<Channel, "id" | "name" | "kind" | "members">): Channel {
    const at = this.seconds();
    const empty = { value: "", creator: "", last_set: 0 };
    const whole: Channel = {
      created: at,
      creator: BOT_USER,
      archived: false,
      shared: false,
      topic: { ...empty },
      purpose: { ...empty },
      ...channel,
    };
    this.channels.set(whole.id, whole);
    this.announce({ kind: "channel", channel: whole });
    return whole;
  }

  /** The direct conversation of exactly these people, made when it is first needed. */
  direct(users: readonly string[]): Channel {
    const members = [...new Set(users)].sort();
    const kind = members.length > 2 ? "mpim" : "im";
    const same = [...this.channels.values()].find(
      (channel) => channel.kind === kind && channel.members.join() === members.join(),
    );
    if (same) return same;
    const id = kind === "im" ? `D${members.filter((one) => one !== BOT_USER).join("")}` : this.mintId("G");
    return this.addChannel({ id, name: kind === "im" ? "" : `mpdm-${members.join("-")}`, kind, members });
  }

  announce(change: Change): void {
    this.version++;
    this.bus.emit("change", change);
    if (change.kind !== "inspected") this.saveSoon();
  }

  /** Calls `listener` for every change until the returned function is called. */
  follow(listener: (change: Change) => void): () => void {
    this.bus.on("change", listener);
    return () => this.bus.off("change", listener);
  }

  /** Resolves at the first change after `version`, or after `milliseconds`. */
  async changed(version: number, milliseconds: number): Promise<void> {
    if (this.version > version) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        stop();
        clearTimeout(timer);
        resolve();
      };
      const stop = this.follow(done);
      const timer = setTimeout(done, Math.max(0, milliseconds));
    });
  }

  save(): void {
    clearTimeout(this.saving);
    this.saving = undefined;
    if (!this.snapshot) return;
    const kept = {
      tokens: this.tokens,
      channels: [...this.channels.values()],
      messages: [...this.messages],
      pins: [...this.pins],
      bookmarks: [...this.bookmarks],
      canvases: [...this.canvases],
      files: [...this.files],
      bytes: [...this.bytes].map(([id, bytes]) => [id, bytes.toString("base64")]),
      homes: [...this.homes],
    };
    // Written beside and moved into place: a kill in between leaves the old one whole.
    writeFileSync(`${this.snapshot}.new`, JSON.stringify(kept), { mode: 0o600 });
    renameSync(`${this.snapshot}.new`, this.snapshot);
  }

  private saveSoon(): void {
    if (!this.snapshot || this.saving) return;
    this.saving = setTimeout(() => this.save(), 200);
    this.saving.unref();
  }

  private reopen(): boolean {
    if (!this.snapshot) return false;
    let text: string;
    try {
      text = readFileSync(this.snapshot, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
    try {
      const kept = JSON.parse(text);
      this.tokens = kept.tokens;
      for (const channel of kept.channels) this.channels.set(channel.id, channel);
      for (const name of ["messages", "pins", "bookmarks", "canvases", "files", "homes"] as const)
        for (const [key, value] of kept[name] ?? []) (this[name] as Map<string, unknown>).set(key, value);
      for (const [id, bytes] of kept.bytes) this.bytes.set(id, Buffer.from(bytes, "base64"));
      for (const view of this.homes.values()) this.views.set(view.id, view);
      return true;
    } catch (error) {
      throw new Error(
        `The practice workspace's memory ${this.snapshot} can't be read: ${messageOf(error)}. Delete it.`,
      );
    }
  }

  private setUpChannel(): void {
    const staff = ["UALEX", "USAM", "UVERA", "UTONI", "UCASS", "UDANA", "UERIN", "UMAX"];
    const general = { id: GENERAL_CHANNEL, name: "general", kind: "public", members: staff } as const;
    this.addChannel({ ...general, members: [...staff], creator: "UVERA" });
    this.addChannel({
      id: INCIDENT_CHANNEL,
      name: "incident-response",
      kind: "public",
      creator: "USAM",
      members: [...staff, "UGIL", BOT_USER],
      topic: { value: "Something is down? Type /dr", creator: "USAM", last_set: this.seconds() },
    });
    this.addChannel({
      id: SHARED_CHANNEL,
      name: "shared-vendor",
      kind: "public",
      creator: "USAM",
      shared: true,
      members: [...staff, "UODA", BOT_USER],
      topic: { value: "With our hosting vendor. People of another company read along.", creator: "USAM", last_set: 0 },
    });
  }
}

/** A channel as the Web API shows it to `viewer`. */
export function channelObject(channel: Channel, viewer: string, members: boolean): Record<string, unknown> {
  const im = channel.kind === "im";
  return {
    id: channel.id,
    ...(im ? { user: channel.members.find((one) => one !== viewer) ?? viewer } : { name: channel.name }),
    ...(im ? {} : { name_normalized: channel.name }),
    is_channel: channel.kind === "public",
    is_group: channel.kind === "private",
    is_im: im,
    is_mpim: channel.kind === "mpim",
    is_private: channel.kind !== "public",
    created: channel.created,
    creator: channel.creator,
    is_archived: channel.archived,
    is_general: channel.id === GENERAL_CHANNEL,
    is_shared: channel.shared,
    is_ext_shared: channel.shared,
    is_org_shared: false,
    is_pending_ext_shared: false,
    is_member: channel.members.includes(viewer),
    context_team_id: TEAM,
    shared_team_ids: channel.shared ? [TEAM, "TOTHER"] : [TEAM],
    topic: channel.topic,
    purpose: channel.purpose,
    ...(members ? { num_members: channel.members.length } : {}),
  };
}

function secret(): string {
  return randomBytes(18).toString("hex");
}
