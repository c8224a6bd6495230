import { spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { WebClient } from "@slack/web-api";
import type { Entry } from "../../practice/slack/inspector.ts";
import type { Workspace } from "../../practice/slack/workspace.ts";
import { freePort } from "../../src/lib/port.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { type Around, ended } from "./around.ts";
import { openWorkspace } from "./bots.ts";
import type { Figure } from "./figure.ts";
import { median } from "./statistics.ts";
import { openTransport } from "./transport.ts";

const CHANNELS = 10_000;
const DECLARED = 5;
const STARTS = 3;

export const p15: Figure = {
  name: "p15",
  title: `npm start until its page can be used, and declaring in a workspace of ${CHANNELS.toLocaleString("en")} channels`,
  async measure(around) {
    const pages: number[] = [];
    for (let n = 0; n < STARTS; n++) pages.push(await untilUsable(around));
    const few = await declaring(around, 0);
    const many = await declaring(around, CHANNELS);
    return [
      { what: "npm start → the bot answers on its page, median", value: median(pages) / 1000, unit: "s" },
      { what: "declared → channel usable, median", value: median(few), unit: "ms" },
      { what: `… of ${CHANNELS.toLocaleString("en")} channels, median`, value: median(many), unit: "ms" },
      { what: "many channels to few", value: median(many) / median(few), unit: "×", goal: { atMost: 1.3 } },
    ];
  },
};

/** From the command until the page is served and says that the bot is connected. */
async function untilUsable(around: Around): Promise<number> {
  const port = await freePort();
  const began = performance.now();
  const child = spawn("npm", ["start", "--", "--port", String(port)], {
    cwd: projectRoot(),
    env: { ...process.env, NODE_OPTIONS: "" },
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  around.later(() => ended(child));
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += String(chunk);
  });
  try {
    while (!/Ready/.test(text)) {
      if (child.exitCode !== null) throw new Error(`npm start ended: ${text}`);
      await pause(10);
    }
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    if (!answer.ok) throw new Error(`The page answered ${answer.status}`);
    return performance.now() - began;
  } finally {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    // npm passes no signal on; the group is npm and what it started.
    process.kill(-(child.pid ?? 0), "SIGINT");
    await gone;
  }
}

async function declaring(around: Around, channels: number): Promise<number[]> {
  const workspace = await workspaceOf(around, channels);
  await openTransport(around, workspace, await around.store());
  const alex = workspace.as("UALEX");
  const took: number[] = [];
  for (let n = 0; n <= DECLARED; n++) {
    const before = workspace.inspected.at(-1)?.n ?? 0;
    const began = performance.now();
    const asked = alex.slash(`/dr declare Orders fail ${n} --severity P1`);
    while (!workspace.inspected.some((entry) => entry.n > before && isCard(entry))) await pause(5);
    if (n > 0) took.push(performance.now() - began);
    await asked;
  }
  return took;
}

/** Posted in a channel of its own, and answered. */
function isCard({ name, error, sent }: Entry): boolean {
  const { channel } = (sent ?? {}) as { channel?: string };
  return name === "chat.postMessage" && error === null && channel !== "CINCIDENT" && channel?.startsWith("C") === true;
}

async function workspaceOf(around: Around, channels: number): Promise<Workspace> {
  const workspace = await openWorkspace(around);
  const { SLACK_API_URL, SLACK_BOT_TOKEN } = workspace.environment();
  const client = new WebClient(SLACK_BOT_TOKEN, { slackApiUrl: SLACK_API_URL });
  for (let n = 0; n < channels; n += 20)
    await Promise.all(Array.from({ length: 20 }, (_, i) => client.conversations.create({ name: `team-${n + i}` })));
  return workspace;
}
