import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { LifeboatError } from "../../src/lib/errors.ts";
import type { Logger } from "../../src/lib/log.ts";
import { Persona, type Wire } from "./driver.ts";
import { FaultInjection } from "./fault-injection.ts";
import { cause, type SlackFault } from "./faults.ts";
import { strange } from "./guard.ts";
import { type Mount, requestListener } from "./http.ts";
import { type Entry, Inspector } from "./inspector.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import type { Platform } from "./platform.ts";
import { createRecorder } from "./recorder.ts";
import { RequestUrl } from "./requesturl.ts";
import { type Snapshot, snapshot } from "./snapshot.ts";
import { SocketMode } from "./socketmode.ts";
import { Store } from "./store.ts";
import { Tokens } from "./tokens.ts";
import { transcript } from "./transcript.ts";
import { perform } from "./user-actions/perform.ts";

export interface WorkspaceOptions {
  /** 0 or absent: any free one. */
  readonly port?: number;
  /** Loopback only: the one who reaches the port can press every button. */
  readonly host?: "127.0.0.1";
  readonly log?: Logger;
  readonly mounts?: readonly Mount[];
  /** The app's manifest: its scopes, events, commands and shortcuts are kept to. Absent: everything is allowed. */
  readonly manifest?: Manifest;
  /** The same from its file, `manifest.yml`. */
  readonly manifestFile?: string;
  /** What a newcomer is told to type first; `/dr failover database` if left out. */
  readonly hint?: () => string;
  /** A file that keeps the workspace over restarts of this process. */
  readonly snapshot?: string;
  /** Talk to the app over HTTP instead of Socket Mode. */
  readonly deliver?: { readonly url: string; readonly signingSecret: string };
  /** A folder for what the bot shows (`recorder.ts`); `LIFEBOAT_SLACK_RECORDING` if left out. */
  readonly recording?: string;
  /** Milliseconds since 1970; for tests of what expires. */
  readonly now?: () => number;
}

export interface Workspace {
  /** Where the page is: `http://127.0.0.1:<port>` */
  readonly url: string;
  /** What a bot needs in its environment to talk to this workspace instead of Slack. */
  environment(): { SLACK_API_URL: string; SLACK_BOT_TOKEN: string; SLACK_APP_TOKEN: string };
  /** The hands and eyes of one person. */
  as(user: string): Persona;
  /** Everything said so far, as plain text. */
  conversation(): string;
  snapshot(): Snapshot;
  /** What crossed the wire, newest last. */
  readonly inspected: readonly Entry[];
  /** Makes something go wrong: `faults("rateLimit", { seconds: 10 })`. */
  faults(name: string, fault?: SlackFault): void;
  /** Open Socket Mode connections and how many envelopes each was given. */
  connections(): readonly { name: string; frozen: boolean; seen: number }[];
  close(): Promise<void>;
}

/** Opens a Slack of one's own on this machine. */
export async function createWorkspace(options: WorkspaceOptions = {}): Promise<Workspace> {
  const host: string = options.host ?? "127.0.0.1";
  if (host !== "127.0.0.1")
    throw new LifeboatError({
      code: "practice-loopback-only",
      what: `The practice workspace can't listen on ${host}: anyone who reaches it can press every button`,
      allowed: "It listens on 127.0.0.1",
    });
  const now = options.now ?? Date.now;
  const store = new Store({ now, snapshot: options.snapshot });
  const faults = new FaultInjection(now);
  const recording = options.recording ?? process.env.LIFEBOAT_SLACK_RECORDING;
  const inspector = new Inspector(store, recording ? createRecorder(recording) : undefined);
  const socketMode = new SocketMode(inspector, faults);
  const closing = new AbortController();
  let port = 0;
  const platform: Platform = {
    store,
    faults,
    inspector,
    socketMode,
    tokens: new Tokens(now),
    delivery: options.deliver ? new RequestUrl(options.deliver, inspector, faults) : socketMode,
    manifest: options.manifest ?? (options.manifestFile === undefined ? undefined : readManifest(options.manifestFile)),
    hint: options.hint ?? (() => "/dr failover database"),
    origin: () => `http://127.0.0.1:${port}`,
    closing: closing.signal,
  };
  const listener = requestListener(platform, options.mounts ?? [], () => port);
  const server = createServer((request, response) => void listener(request, response));
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    const isLink = request.url?.startsWith("/link/") ?? false;
    if (!isLink || strange(request, port))
      return void socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
    socketMode.upgrade(request, socket, head);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  port = (server.address() as AddressInfo).port;
  options.log?.info({ url: platform.origin() }, "The practice workspace is open.");

  const wire: Wire = {
    perform: (user, action) => perform(platform, user, action),
    snapshot: async () => snapshot(platform),
    changed: (version, milliseconds) => store.changed(version, milliseconds),
  };
  return {
    url: platform.origin(),
    environment: () => ({
      SLACK_API_URL: `${platform.origin()}/api/`,
      SLACK_BOT_TOKEN: store.tokens.bot,
      SLACK_APP_TOKEN: store.tokens.app,
    }),
    as: (user) => new Persona(wire, store.user(user).id),
    conversation: () => transcript(snapshot(platform)),
    snapshot: () => snapshot(platform),
    inspected: inspector.entries,
    faults: (name, fault) => cause(platform, name, fault),
    connections: () => socketMode.report(),
    async close() {
      closing.abort();
      await socketMode.close();
      store.save();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
