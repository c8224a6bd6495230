// Has the backup host restore the newest whole backup on a server of its own: restore-to-scratch.mjs <agent's address> [<moment it was made before>]
const [agent, before] = process.argv.slice(2);
if (agent === undefined) {
  console.error("restore-to-scratch.mjs <agent's address> [<moment it was made before>]");
  process.exit(64);
}

const scratch = new URL("/scratch", agent);
if (before !== undefined) scratch.searchParams.set("before", before);
const answer = await fetch(scratch, {
  method: "POST",
  headers: { authorization: `Bearer ${process.env.MIMIR_BACKUPS_TOKEN}` },
  redirect: "error",
  signal: AbortSignal.timeout(1_800_000),
});
console.log(answer.ok ? "Restored." : `${answer.status} ${await answer.text()}`);
process.exit(answer.ok ? 0 : 1);
