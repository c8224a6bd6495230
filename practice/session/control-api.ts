import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import ms from "ms";
import { messageOf } from "../../src/lib/errors.ts";
import type { Logger } from "../../src/lib/log.ts";
import { requestUrl } from "../../src/lib/request-url.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { textOf } from "../kit/body.ts";
import { type Offered, offered } from "./offer.ts";
import type { PracticeSession } from "./session.ts";
import { typedInputs } from "./typed-inputs.ts";
import type { WrittenRunbook } from "./written.ts";

/** What the page's panel reaches: which system is practised, how its environment is, and what can be done to it. */
export interface ControlApi {
  /** For `/systems/…`; false when the path is someone else's. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
}

export interface Behind {
  /** What is practised now; null while another system is being set up. */
  now(): PracticeSession | null;
  practise(system: string): Promise<void>;
  readonly log: Logger;
}

type Alerts = readonly { readonly id: string; readonly title: string }[];

const BODY_BYTES_MAX = 4096;
const FILES: Readonly<Record<string, string>> = {
  "/systems/panel.js": "text/javascript; charset=utf-8",
};

export function createControlApi(behind: Behind): ControlApi {
  let wanted: string | null = null;
  let failed: string | null = null;
  let offers: { at: number; list: Promise<readonly Offered[]> } | null = null;

  const read = new Map<string, readonly WrittenRunbook[]>();
  const alertsRead = new Map<string, Alerts>();
  const titles = new Map<string, string>();

  async function runbooks(system: string): Promise<readonly WrittenRunbook[]> {
    const known = read.get(system) ?? (await import("./written.ts")).runbooksOf(system);
    read.set(system, known);
    return known;
  }

  async function alertsIn(system: string): Promise<Alerts> {
    const known = alertsRead.get(system) ?? (await import("./written.ts")).alertsOf(system);
    alertsRead.set(system, known);
    return known;
  }

  async function named(one: Offered): Promise<Offered & { title: string }> {
    const title = titles.get(one.system) ?? (await import("./written.ts")).titleOf(one.system);
    titles.set(one.system, title);
    return { ...one, title };
  }

  /** Looked at again after a minute: someone may just have installed what was missing. */
  function list(): Promise<readonly Offered[]> {
    if (offers === null || Date.now() - offers.at > 60_000) offers = { at: Date.now(), list: offered() };
    return offers.list;
  }

  async function state() {
    const session = behind.now();
    const rows = await session?.environment
      .look?.()
      .catch((error) => [{ title: "The environment", state: messageOf(error), tone: "broken" as const }]);
    return {
      system: session?.system ?? null,
      hint: hintFor(session?.system),
      /** What is being set up, and why the last attempt did not succeed. */
      wanted,
      failed,
      panel: session?.environment.panel ?? null,
      parts: session?.environment.parts ?? [],
      rows: rows ?? [],
      /** How far the store's clock is ahead of real time, seconds. */
      clockAhead: (await session?.clock.aheadSeconds().catch(() => 0)) ?? 0,
      injectable: session?.environment.injectable ?? [],
      alerts: session === null ? [] : await alertsIn(session.system),
      runbooks:
        session === null ? [] : (await runbooks(session.system)).map(({ id, title, modes }) => ({ id, title, modes })),
      systems: await Promise.all((await list()).map(named)),
    };
  }

  /** Answers at once: it takes seconds, and the state says how far it is. */
  async function change(system: unknown): Promise<void> {
    const found = (await list()).find((one) => one.system === system);
    if (found === undefined) throw new Error(`There is no system ${String(system)}.`);
    if (found.install) throw new Error(`${found.missing.join(", ")} is not on this machine: ${found.install}`);
    if (wanted !== null) throw new Error(`${wanted} is just being set up.`);
    wanted = found.system;
    failed = null;
    behind
      .practise(found.system)
      .catch((error) => {
        behind.log.error({ err: error }, "the system could not be set up");
        failed = messageOf(error);
      })
      .finally(() => {
        wanted = null;
      });
  }

  async function injectFault(id: unknown): Promise<void> {
    const environment = behind.now()?.environment;
    const found = environment?.injectable?.find((one) => one.id === id);
    if (found === undefined) throw new Error(`There is no ${String(id)} here.`);
    await environment?.inject?.(found.id);
  }

  async function alert({ id, status }: Record<string, unknown>): Promise<void> {
    const session = behind.now();
    const found = session === null ? undefined : (await alertsIn(session.system)).find((one) => one.id === id);
    if (session === null || found === undefined) throw new Error(`There is no alert ${String(id)} here.`);
    await session.sendAlert(found.id, status === "resolved" ? "resolved" : "firing");
  }

  /** `by`: as people write a time: 2h, 30d. */
  async function moveClock({ by }: Record<string, unknown>): Promise<void> {
    const session = behind.now();
    const milliseconds = typeof by === "string" ? ms(by as ms.StringValue) : undefined;
    if (session === null) throw new Error("No system is set up at this moment.");
    if (milliseconds === undefined || Number.isNaN(milliseconds)) throw new Error("Say by how much: 90m, 2h, 30d.");
    await session.clock.moveForward(Math.round(milliseconds / 1000));
  }

  /** The world as a runbook finds it, so that it can be played, and the words that start it then. */
  async function scene({ runbook, mode }: Record<string, unknown>): Promise<{ words: string }> {
    const session = behind.now();
    const found = session === null ? undefined : (await runbooks(session.system)).find(({ id }) => id === runbook);
    const known = found?.modes.find((one) => one === mode);
    if (session === null || found === undefined || known === undefined)
      throw new Error(`There is no ${String(runbook)}, ${String(mode)}, here.`);
    await session.environment.prepare(found.id, known);
    return { words: `/dr runbook ${found.id}${typedInputs(session.environment.inputs?.(found.id) ?? {})} --${known}` };
  }

  async function route(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const type = FILES[path];
    if (request.method === "GET" && type !== undefined) {
      const file = join(projectRoot(), "practice/session/panel", path.slice("/systems/".length));
      response.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(await readFile(file));
      return;
    }
    switch (`${request.method} ${path}`) {
      case "GET /systems/state":
        return say(response, 200, await state());
      case "POST /systems/change":
        await change((await givenIn(request)).system);
        return say(response, 202, await state());
      case "POST /systems/strike":
        await injectFault((await givenIn(request)).id);
        return say(response, 200, await state());
      case "POST /systems/alert":
        await alert(await givenIn(request));
        return say(response, 200, await state());
      case "POST /systems/clock":
        await moveClock(await givenIn(request));
        return say(response, 200, await state());
      case "POST /systems/scene":
        return say(response, 200, { ...(await scene(await givenIn(request))), ...(await state()) });
      default:
        return say(response, 404, { error: `There is no ${request.method} ${path}.` });
    }
  }

  return {
    handle(request, response) {
      const path = requestUrl(request).pathname;
      if (!path.startsWith("/systems/")) return false;
      route(path, request, response).catch((error) => {
        behind.log.warn({ path, error: messageOf(error) }, "this could not be done");
        if (response.headersSent) response.destroy();
        else say(response, 409, { error: messageOf(error) });
      });
      return true;
    },
  };
}

/** What a newcomer types first: where there is one, what a VP decides with a code. */
export function hintFor(system: string | undefined): string {
  return system === "practice" ? "/dr failover practice-a" : "/dr runbook";
}

async function givenIn(request: IncomingMessage): Promise<Record<string, unknown>> {
  const given: unknown = JSON.parse(await textOf(request, BODY_BYTES_MAX));
  return typeof given === "object" && given !== null ? (given as Record<string, unknown>) : {};
}

function say(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(value));
}
