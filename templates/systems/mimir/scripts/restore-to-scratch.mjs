// Has the backup host restore the newest whole backup on a server of its own: restore-to-scratch.mjs <agent's address>
const [agent] = process.argv.slice(2);
if (agent === undefined) {
  console.error("restore-to-scratch.mjs <agent's address>");
  process.exit(64);
}

const answer = await fetch(new URL("/scratch", agent), {
  method: "POST",
  headers: { authorization: `Bearer ${process.env.MIMIR_BACKUPS_TOKEN}` },
  redirect: "error",
  signal: AbortSignal.timeout(1_800_000),
});
console.log(answer.ok ? "Restored." : `${answer.status} ${await answer.text()}`);
process.exit(answer.ok ? 0 : 1);
