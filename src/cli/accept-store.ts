import { userInfo } from "node:os";
import { parseArgs } from "node:util";
import { type Config, loadConfig } from "../config.ts";
import type { Problem } from "../lib/errors.ts";
import { createLog } from "../lib/log.ts";
import { acceptStore, openAudit } from "../timeline/audit.ts";
import type { Difference } from "../timeline/guard.ts";
import { openStore, type Store } from "../timeline/index.ts";

const usage = `Usage: lifeboat accept-store [--reason "…"]

  Run it on the bot's host, with the bot's settings. Without --reason it says how the store differs from what this host has seen.
  With it the store is accepted as it is now: signed, kept in the store, and shown by lifeboat verify. Runs of timelines that
  differ are paused first: what they did after the point the store came back to is not recorded. Look at their targets.
`;

/** Exit code 0: nothing differs, or it was accepted. 1: it differs. 2: it could not be asked. */
export async function acceptStoreCommand(rest: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...rest], options: { reason: { type: "string" } }, strict: true });
  const loaded = loadConfig(process.env, { slack: false });
  if (!loaded.ok) {
    process.stderr.write(loaded.problems);
    return 2;
  }
  const { store } = loaded.config;
  const audit = await openAudit({ ...store, log: createLog("warn") });
  const found = await audit.differences().finally(() => audit.close());
  for (const { says } of found) process.stdout.write(`${says}\n`);
  if (found.length === 0) {
    process.stdout.write("The store is what this host has seen. There is nothing to accept.\n");
    return 0;
  }
  const reason = values.reason?.trim() ?? "";
  if (reason === "") {
    process.stderr.write(`\n${usage}`);
    return 1;
  }
  return await accept(store, found, reason);
}

/** As an operator. `found`: what differs from what this host has seen. Exit code 0: it is accepted. */
export async function accept(config: Config["store"], found: readonly Difference[], reason: string): Promise<number> {
  // It has seen nothing, so it may write where the bot may not.
  const store = await openStore({ ...config, stateFolder: null, log: createLog("warn"), openSeconds: 15 });
  try {
    const paused: string[] = [];
    for (const difference of found) paused.push(...(await pauseRuns(store, difference)));
    await acceptStore(store.pool, store.keyring, { by: operator(), reason, differs: found.map(({ says }) => says) });
    const runs =
      paused.length === 0 ? "" : ` Paused: ${paused.join(", ")}. Look at their targets before you resume them.`;
    process.stdout.write(`Accepted. The bots take it up within seconds.${runs}\n`);
    return 0;
  } finally {
    await store.close();
  }
}

/** What a run did after that is not recorded, so no one but a person may go on with it. */
async function pauseRuns({ pool, timeline }: Store, { stream, seen, now, says }: Difference): Promise<string[]> {
  if (now === null) return [];
  const { rows } = await pool.query<{ id: string }>("select id from lifeboat.run where stream = $1 and not done", [
    stream,
  ]);
  const problem: Problem = {
    code: "store-went-back",
    where: stream,
    what: `The record came back older: ${says}`,
    stateNow: `What this run did up to event ${seen.version} is not recorded any more`,
    next: "Look at the targets. Then resume, skip what was done, or abort",
  };
  await timeline.decide(stream, (events) => {
    const version = events.at(-1)?.version ?? 0;
    const stuck = rows.map(({ id }) => ({
      type: "run.stuck",
      data: { problem },
      key: `${id}/stuck/${version}`,
      run: id,
      actor: { kind: "bot" },
    }));
    return { events: stuck, value: null };
  });
  return rows.map(({ id }) => id);
}

function operator(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
