import { loadConfig } from "../config.ts";
import { createLog } from "../lib/log.ts";
import { openStore } from "../timeline/index.ts";

/** Exit code 0: the chain is whole. 1: it is not, and what is wrong is printed. */
export async function verify(rest: readonly string[]): Promise<number> {
  const loaded = loadConfig(process.env, { slack: false });
  if (!loaded.ok) {
    process.stderr.write(loaded.problems);
    return 2;
  }
  const { databaseUrl, ownerUrl, dataFolder } = loaded.config.store;
  const store = await openStore({ databaseUrl, ownerUrl, dataFolder, log: createLog("warn"), openSeconds: 15 });
  try {
    const found = await store.timeline.verify(rest[0]);
    for (const { stream, version, says } of found.problems) process.stdout.write(`${stream} ${version}: ${says}\n`);
    process.stdout.write(
      `${found.events} events on ${found.streams} timelines: ${found.ok ? "whole" : "NOT whole"}.\n`,
    );
    return found.ok ? 0 : 1;
  } finally {
    await store.close();
  }
}
