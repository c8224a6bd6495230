import { makeKeys, openKeyring } from "../timeline/keys.ts";

/** Prints new keys of the record as settings, and the public one for the one who audits it. Nothing is kept. */
export async function keys(): Promise<number> {
  const made = makeKeys();
  const [publicKey = ""] = openKeyring(made).publicKeys.values();
  process.stdout.write(
    `# Keep these out of the database and its backups. Every bot on the same store has the same ones.
LIFEBOAT_EVENT_KEYS=${made.events.join(",")}
LIFEBOAT_SIGNING_KEY=${made.signing}
# For verifying the timeline. After you change the signing key, the bots need the old one here too.
# LIFEBOAT_VERIFY_KEYS=${publicKey}
`,
  );
  return 0;
}
