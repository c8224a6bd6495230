import { join } from "node:path";
import { LifeboatError } from "../../src/lib/errors.ts";
import { freePort, isRefusedByFetch } from "../../src/lib/port.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { type Offered, offered } from "../session/offer.ts";
import type { titleOf } from "../session/written.ts";
import { chosen, open } from "./open.ts";

const USUAL_PORT = 4180;

/** The page, until someone stops it. */
export async function page(given: { system?: string | undefined; port?: string | undefined }): Promise<number> {
  // Who reads along may go away; practice goes on until it is ended.
  process.stdout.on("error", () => {});
  const began = performance.now();
  const elapsed = () => ((performance.now() - began) / 1000).toFixed(1);
  const system = await chosen(given.system ?? "practice");
  const opened = await open({
    system: system.system,
    folder: join(projectRoot(), ".lifeboat", "practice"),
    port: given.port === undefined ? await usualPort() : await thisPort(given.port),
    // The panel moves the clock, so that a week may pass: the channel of an incident that was closed is archived then.
    environment: { LIFEBOAT_ARCHIVE_DAYS: "7" },
    progress: (says) => process.stdout.write(`  ${elapsed().padStart(5)} s  ${says}\n`),
  });
  process.stdout.write(`\nReady in ${elapsed()} s. Open ${opened.url}\n\n${whatToDo(system)}\n`);
  const written = await import("../session/written.ts");
  process.stdout.write(
    `${others(await offered(), system, written.titleOf)}Nothing here leaves this machine. Press Ctrl-C to end.\n`,
  );
  await interrupted();
  process.stdout.write("\nClosing.\n");
  await opened.stop();
  return 0;
}

function whatToDo({ system }: Offered): string {
  if (system === "practice")
    return `  As Alex, in #incident-response, type:   /dr failover database
  Then become Sam (incident commander) and approve in the thread.
  Or press "Kill the primary" first, and type: /dr failover database --unplanned
`;
  return `  In #incident-response, type:   /dr runbook
  It lists the runbooks of this system. "Play a runbook" in the panel brings everything to where one begins.
`;
}

/** What else can be practised here, and what is missing where it can't. */
function others(list: readonly Offered[], now: Offered, title: typeof titleOf): string {
  const lines = list
    .filter(({ system }) => system !== now.system)
    .map(({ system, install }) => {
      const needs = install === null ? "" : `${" ".repeat(20)}first, as root: ${install}\n`;
      return `  ${system.padEnd(18)}${title(system)}\n${needs}`;
    });
  if (lines.length === 0) return "";
  return `Other systems to practise (in the panel, or npm start -- --system <name>):\n${lines.join("")}\n`;
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  });
}

/** The one that was asked for. Looked at before anything is started: what can't be served there would be noticed minutes later. */
async function thisPort(text: string): Promise<number> {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  const wrong = (what: string) =>
    new LifeboatError({
      code: "port-unusable",
      where: `--port ${text}`,
      what,
      next: "Give another one, or none at all",
    });
  if (!(port >= 1024 && port <= 65_535))
    throw new LifeboatError({ ...wrong("This is no port").problem, allowed: "A whole number from 1024 to 65535" });
  if (isRefusedByFetch(port)) throw wrong("Browsers refuse to connect to this port");
  await freePort([port, port + 1]).catch(() => {
    throw wrong("Something else listens there");
  });
  return port;
}

/** The port people know, or any free one when someone else has it. */
function usualPort(): Promise<number> {
  return freePort([USUAL_PORT, USUAL_PORT + 1]).catch(() => 0);
}
