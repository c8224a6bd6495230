import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createWorkspace, type Workspace } from "../../practice/slack/workspace.ts";
import { freePort } from "../../src/lib/port.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { testKeySettings } from "../support/record-keys.ts";
import { type Around, ended, type Ready } from "./around.ts";

export async function openWorkspace(around: Around): Promise<Workspace> {
  const workspace = await createWorkspace({ manifestFile: join(projectRoot(), "manifest.yml") });
  around.later(() => workspace.close());
  return workspace;
}

/** What the bot is told by its environment, as in practice but with a store of its own. */
export async function botEnvironment(workspace: Workspace, database: string, data: string) {
  return {
    ...workspace.environment(),
    ...testKeySettings,
    DATABASE_URL: database,
    LIFEBOAT_DATA: data,
    LIFEBOAT_INTERNAL_LISTEN: String(await freePort()),
  };
}

/** Starts the whole bot (`node <args>`) and waits until it hears Slack. */
export async function startBot(
  around: Around,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ready> {
  const { spawn } = await import("node:child_process");
  const began = performance.now();
  const child = spawn(process.execPath, [...args], {
    cwd: projectRoot(),
    env: { ...process.env, NODE_OPTIONS: "", LOG_LEVEL: "fatal", ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  around.later(() => ended(child));
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${env.LIFEBOAT_INTERNAL_LISTEN}/ready`).catch(() => null);
    await answer?.text();
    if (answer?.ok) return { child, said: "ready", milliseconds: performance.now() - began };
    if (child.exitCode !== null) throw new Error(`The bot ended at once (${child.exitCode}).`);
    if (performance.now() - began > 60_000) throw new Error("The bot was not ready within 60 s.");
    await pause(10);
  }
}
