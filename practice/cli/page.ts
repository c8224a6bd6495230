import { join } from "node:path";
import { freePort } from "../../src/lib/port.ts";
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
    port: given.port === undefined ? await usualPort() : Number(given.port),
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

/** The port people know, or any free one when someone else has it. */
function usualPort(): Promise<number> {
  return freePort([USUAL_PORT, USUAL_PORT + 1]).catch(() => 0);
}
