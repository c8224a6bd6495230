import { loadConfig } from "../config.ts";
import { createLog } from "../lib/log.ts";
import { counterOf } from "../mfa/totp.ts";
import { openStore } from "../timeline/index.ts";
import { createSecondFactors } from "../timeline/second-factors.ts";

/** For the one who runs Lifeboat, when a phone is lost: its holder enrolls again. Exit code 1: there was nothing to take away. */
export async function unenroll([holder]: readonly string[]): Promise<number> {
  if (holder === undefined || !/^[^/]+\/[^/]+$/.test(holder)) {
    process.stderr.write("Say whose: lifeboat unenroll <system>/<person>\n");
    return 2;
  }
  const loaded = loadConfig(process.env, { slack: false });
  if (!loaded.ok) {
    process.stderr.write(loaded.problems);
    return 2;
  }
  const store = await openStore({ ...loaded.config.store, log: createLog("warn"), openSeconds: 15 });
  try {
    const proofs = createSecondFactors(store.pool, store.keyring);
    const taken = await proofs.forget(holder);
    await proofs.forget(counterOf(holder, "cli"));
    process.stdout.write(taken ? `${holder} must enroll again: /dr enroll\n` : `${holder} has nothing enrolled.\n`);
    return taken ? 0 : 1;
  } finally {
    await store.close();
  }
}
