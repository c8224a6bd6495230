import { TEAM } from "../../practice/slack/people.ts";
import { freePort } from "../../src/lib/port.ts";
import { botEnvironment, openWorkspace, startBot } from "./bots.ts";
import type { Figure } from "./figure.ts";
import { SIGNING_SECRET, sendCommands, type Transport } from "./load.ts";
import { median, quantile } from "./statistics.ts";

const REQUESTS = 1_000;
const AT_ONCE = 16;
const ROUNDS = 3;

export const p1: Figure = {
  name: "p1",
  title: `A signed /dr over HTTP → acknowledged with a durable row, ${AT_ONCE} at a time, while the commands are answered`,
  async measure(around) {
    const workspace = await openWorkspace(around);
    const store = await around.store();
    const port = await freePort();
    const { SLACK_APP_TOKEN: _, ...env } = await botEnvironment(workspace, store.url, await around.folder());
    const http = { SLACK_SIGNING_SECRET: SIGNING_SECRET, LIFEBOAT_PUBLIC_LISTEN: String(port) };
    await startBot(around, ["--import", "tsx", "src/main.ts"], { ...env, ...http });
    const bare = await around.program("bolt", { ...env, ...http });
    const team = TEAM;
    const responseUrl = `${workspace.url}/response/none`;
    const ours: Transport = { port, team, responseUrl };
    const theirs: Transport = { port: Number(bare.said.split(" ")[1]), team, responseUrl };

    const took: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
    await sendCommands(ours, 200, AT_ONCE, "warm");
    await sendCommands(theirs, 200, AT_ONCE, "warm");
    for (let round = 0; round < ROUNDS; round++) {
      took.ours.push(...(await sendCommands(ours, REQUESTS, AT_ONCE, `r${round}`)));
      took.theirs.push(...(await sendCommands(theirs, REQUESTS, AT_ONCE, `r${round}`)));
    }
    const { rows } = await store.pool.query("select count(*)::int as kept from lifeboat.inbox where key ~ ':r[0-9]'");
    const kept = (rows[0] as { kept: number }).kept;
    const p99 = { ours: quantile(took.ours, 0.99), theirs: quantile(took.theirs, 0.99) };
    return [
      { what: "acknowledged, median", value: median(took.ours), unit: "ms" },
      { what: "bare Bolt, median", value: median(took.theirs), unit: "ms" },
      { what: "acknowledged, p99", value: p99.ours, unit: "ms" },
      { what: "bare Bolt, p99", value: p99.theirs, unit: "ms" },
      { what: "p99 to bare Bolt's p99", value: p99.ours / p99.theirs, unit: "×", goal: { atMost: 2 } },
      { what: "the slowest", value: Math.max(...took.ours), unit: "ms", goal: { atMost: 3000 } },
      {
        what: "acknowledged without a row in the inbox",
        value: took.ours.length - kept,
        unit: "",
        goal: { atMost: 0 },
      },
    ];
  },
};
