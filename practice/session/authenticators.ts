import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { type TOTP, URI } from "otpauth";
import { messageOf } from "../../src/lib/errors.ts";
import { requestUrl } from "../../src/lib/request-url.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { textOf } from "../kit/body.ts";
import type { Workspace } from "../slack/index.ts";

/** The authenticator apps of the personas, so that an approval with a code can be played without any device. */
export interface Authenticators {
  /** For `/authenticators/…`; false when the path is someone else's. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** Another bot, another store: what was enrolled before proves nothing there. */
  clear(): void;
}

/** `GET /authenticators/events`: what every phone shows now. */
export interface Shown {
  readonly phones: readonly {
    readonly user: string;
    readonly name: string;
    /** A QR code is shown to them which this phone has not scanned. */
    readonly canScan: boolean;
    /** Newest first. */
    readonly entries: readonly {
      readonly id: string;
      readonly label: string;
      readonly code: string;
      /** It was filled in, and no code counts twice. */
      readonly used: boolean;
      /** When the next code comes, milliseconds since 1970. */
      readonly until: number;
    }[];
  }[];
  /** The server's clock, milliseconds since 1970. */
  readonly now: number;
}

interface Entry {
  readonly id: string;
  readonly totp: TOTP;
  usedStep: number;
}

const STEP_MS = 30_000;
const BODY_BYTES_MAX = 4096;
/** A form that replaces a phone asks for a code of the old one, too. */
const ENTRIES_MAX = 2;

type People = Pick<Workspace, "snapshot">;

/** @param workspace where the QR codes are shown */
export function createAuthenticators(workspace: () => Promise<People>, now: () => number = Date.now): Authenticators {
  const phones = new Map<string, Entry[]>();
  const listeners = new Set<() => void>();
  let count = 0;
  const changed = () => {
    for (const listener of listeners) listener();
  };

  async function scan(user: string): Promise<void> {
    const uri = uriShownTo(user, await workspace());
    if (uri === null) throw new Error("There is no QR code to scan. Type /dr enroll first.");
    if (!isNew(user, uri)) return;
    count += 1;
    const entry = { id: String(count), totp: URI.parse(uri) as TOTP, usedStep: -1 };
    phones.set(user, [entry, ...(phones.get(user) ?? [])].slice(0, ENTRIES_MAX));
  }

  function isNew(user: string, uri: string | null): boolean {
    if (uri === null) return false;
    const { secret } = URI.parse(uri);
    return (phones.get(user) ?? []).every(({ totp }) => totp.secret.base32 !== secret.base32);
  }

  async function shown(): Promise<Shown> {
    const seen = await workspace();
    const { users, personas } = seen.snapshot();
    const step = Math.floor(now() / STEP_MS);
    const nameOf = (id: string) => users.find((user) => user.id === id)?.real_name ?? id;
    return {
      now: now(),
      phones: personas.map((user) => ({
        user,
        name: nameOf(user),
        canScan: isNew(user, uriShownTo(user, seen)),
        entries: (phones.get(user) ?? []).map(({ id, totp, usedStep }) => ({
          id,
          label: `${totp.issuer}: ${totp.label}`,
          code: totp.generate({ timestamp: step * STEP_MS }),
          used: usedStep === step,
          until: (step + 1) * STEP_MS,
        })),
      })),
    };
  }

  function stream(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    let next: NodeJS.Timeout | undefined;
    const send = async () => {
      clearTimeout(next);
      const state = await shown();
      response.write(`data: ${JSON.stringify(state)}\n\n`);
      next = setTimeout(tick, STEP_MS - (now() % STEP_MS) + 20).unref();
    };
    const tick = () => void send().catch(() => response.destroy());
    listeners.add(tick);
    request.on("close", () => {
      clearTimeout(next);
      listeners.delete(tick);
    });
    tick();
  }

  async function route(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (`${request.method} ${path}`) {
      case "GET /authenticators/panel.js": {
        const file = join(projectRoot(), "practice/session/authenticator-panel/panel.js");
        const type = { "content-type": "text/javascript; charset=utf-8", "cache-control": "no-store" };
        return void response.writeHead(200, type).end(await readFile(file));
      }
      case "GET /authenticators/events":
        return stream(request, response);
      case "POST /authenticators/scan":
        await scan(String((await givenIn(request)).user));
        break;
      case "POST /authenticators/used": {
        const { user, entry } = await givenIn(request);
        const found = phones.get(String(user))?.find(({ id }) => id === entry);
        if (found) found.usedStep = Math.floor(now() / STEP_MS);
        break;
      }
      default:
        return say(response, 404, { error: `There is no ${request.method} ${path}.` });
    }
    changed();
    say(response, 200, await shown());
  }

  return {
    handle(request, response) {
      const path = requestUrl(request).pathname;
      if (!path.startsWith("/authenticators/")) return false;
      route(path, request, response).catch((error) => {
        if (response.headersSent) response.destroy();
        else say(response, 409, { error: messageOf(error) });
      });
      return true;
    },
    clear() {
      phones.clear();
      changed();
    },
  };
}

/** What a phone held before this person's screen would see: the newest form, else the newest message to them alone. */
function uriShownTo(user: string, workspace: People): string | null {
  const { modals, ephemerals } = workspace.snapshot();
  const alone = ephemerals.filter(({ only }) => only === user).reverse();
  for (const one of [...(modals[user] ?? [])].reverse().concat(alone as never[])) {
    const found = /otpauth:\/\/totp\/[^`\s"\\]+/.exec(JSON.stringify(one))?.[0];
    if (found) return found.replaceAll("&amp;", "&");
  }
  return null;
}

async function givenIn(request: IncomingMessage): Promise<Record<string, unknown>> {
  const given: unknown = JSON.parse(await textOf(request, BODY_BYTES_MAX));
  return typeof given === "object" && given !== null ? (given as Record<string, unknown>) : {};
}

function say(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(value));
}
