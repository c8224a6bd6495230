import { extname } from "node:path";
import { limits } from "../limits.ts";
import type { FileObject, Json } from "../objects.ts";
import { BOT_USER } from "../people.ts";
import { byBot, type Platform, post } from "../platform.ts";
import { SlackRefusal } from "../refusal.ts";
import type { Methods } from "./method.ts";

export const files: Methods = {
  "files.getUploadURLExternal": {
    tier: 4,
    needs: "files:write",
    run(platform, args) {
      const size = Number(args.text("length"));
      if (!Number.isInteger(size) || size <= 0) throw new SlackRefusal("invalid_arguments");
      if (size > limits.fileBytes) throw new SlackRefusal("file_upload_size_restricted");
      const file = newFile(platform, args.text("filename"), size, BOT_USER);
      return { file_id: file.id, upload_url: `${platform.origin()}/upload/${file.id}` };
    },
  },
  "files.completeUploadExternal": {
    tier: 4,
    needs: "files:write",
    run(platform, args) {
      const given = args.all.files as { id?: string; title?: string }[] | undefined;
      if (!Array.isArray(given) || given.length === 0) throw new SlackRefusal("invalid_arguments");
      const done = given.map(({ id, title }) => {
        const file = platform.store.files.get(id ?? "");
        if (!file || !platform.store.bytes.has(file.id)) throw new SlackRefusal("file_not_found");
        if (title) file.title = title;
        return file;
      });
      const channel = args.maybe("channel_id") ?? args.several("channels")[0];
      if (channel) share(platform, channel, done, args.maybe("initial_comment") ?? "", args.maybe("thread_ts"));
      return { files: done };
    },
  },
  "files.info": {
    tier: 4,
    needs: "files:read",
    run(platform, args) {
      const id = args.text("file");
      const { files: kept, canvases } = platform.store;
      // A canvas is a file as well.
      const canvas = [...canvases.values()].find((one) => one.id === id);
      if (canvas) return { file: { id, user: canvas.user, title: canvas.title, filetype: "quip" } };
      const file = kept.get(id);
      if (!file) throw new SlackRefusal("file_not_found");
      return { file };
    },
  },
};

export function newFile(platform: Platform, name: string, size: number, user: string): FileObject {
  const { store } = platform;
  const id = store.mintId("F");
  const url = `${platform.origin()}/files/${id}/${encodeURIComponent(name)}`;
  const file: FileObject = {
    id,
    created: store.seconds(),
    name,
    title: name,
    mimetype: typeOf(name),
    size,
    user,
    url_private: url,
    url_private_download: url,
    permalink: url,
    is_external: false,
    channels: [],
  };
  store.files.set(id, file);
  return file;
}

/** Takes the bytes of a file that was announced. */
export function receive(platform: Platform, id: string, bytes: Buffer): void {
  const file = platform.store.files.get(id);
  if (!file || platform.store.bytes.has(id)) throw new SlackRefusal("file_not_found");
  file.size = bytes.length;
  platform.store.bytes.set(id, bytes);
}

function share(platform: Platform, id: string, done: FileObject[], text: string, thread: string | undefined): void {
  const channel = platform.store.channel(id);
  if (!channel.members.includes(BOT_USER)) throw new SlackRefusal("not_in_channel");
  for (const file of done) file.channels.push(channel.id);
  const place: Json = thread ? { thread_ts: thread } : {};
  post(platform, { ...byBot, channel: channel.id, text, files: done, ...place });
}

const TYPES: Readonly<Record<string, string>> = {
  ".md": "text/markdown",
  ".txt": "text/plain",
  ".csv": "text/csv",
  ".json": "application/json",
  ".html": "text/html",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".pdf": "application/pdf",
  ".zip": "application/zip",
};

function typeOf(name: string): string {
  return TYPES[extname(name).toLowerCase()] ?? "application/octet-stream";
}
