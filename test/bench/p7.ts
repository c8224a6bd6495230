import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { ended } from "./around.ts";
import { botEnvironment, openWorkspace, startBot } from "./bots.ts";
import { built } from "./built.ts";
import type { Figure } from "./figure.ts";
import { median } from "./statistics.ts";

const STARTS = 4;
const COMMANDS = 400;

export const p7: Figure = {
  name: "p7",
  title: `Start to heard by Slack, and memory after ${COMMANDS} commands`,
  async measure(around) {
    const out = await built(around);
    const [workspace, theirWorkspace] = [await openWorkspace(around), await openWorkspace(around)];
    const env = await botEnvironment(workspace, (await around.store()).url, await around.folder());
    const starts: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
    const memory = { ours: 0, theirs: 0 };
    for (let round = 0; round <= STARTS; round++) {
      const ours = await startBot(around, [join(out, "src/main.js")], env);
      const theirs = await around.node([join(out, "test/bench/processes/bolt.js")], theirWorkspace.environment());
      if (round > 0) {
        starts.ours.push(ours.milliseconds);
        starts.theirs.push(theirs.milliseconds);
      }
      if (round === STARTS) {
        const commander = workspace.as("UALEX");
        const other = theirWorkspace.as("UALEX");
        for (let i = 0; i < COMMANDS; i += 8) {
          await Promise.all(Array.from({ length: 8 }, () => commander.slash("/dr help")));
          await Promise.all(Array.from({ length: 8 }, () => other.slash("/dr help")));
        }
        memory.ours = await residentMegabytes(ours.child.pid ?? 0);
        memory.theirs = await residentMegabytes(theirs.child.pid ?? 0);
      }
      await Promise.all([ended(ours.child), ended(theirs.child)]);
    }
    const [ours, theirs] = [median(starts.ours), median(starts.theirs)];
    return [
      { what: "start, median", value: ours, unit: "ms" },
      { what: "bare Bolt's start, median", value: theirs, unit: "ms" },
      { what: "start to bare Bolt's", value: ours / theirs, unit: "×", goal: { atMost: 2 } },
      { what: "memory", value: memory.ours, unit: "MB" },
      { what: "bare Bolt's memory", value: memory.theirs, unit: "MB" },
      { what: "memory to bare Bolt's", value: memory.ours / memory.theirs, unit: "×", goal: { atMost: 1.5 } },
    ];
  },
};

async function residentMegabytes(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
  return Number(stdout) / 1024;
}
