// Has the backup host make a base backup now and copy it off site: back-up.mjs <agent's address>
// The agent runs pg_basebackup against whoever leads; REFERENCE_HOSTS_TOKEN says who asks.
const [agent] = process.argv.slice(2);
if (agent === undefined) {
  console.error("back-up.mjs <agent's address>");
  process.exit(64);
}

const answer = await fetch(new URL("/backups", agent), {
  method: "POST",
  headers: { authorization: `Bearer ${process.env.REFERENCE_HOSTS_TOKEN}` },
  redirect: "error",
  signal: AbortSignal.timeout(3_600_000),
});
console.log(answer.ok ? `Made: ${await answer.text()}` : `${answer.status} ${await answer.text()}`);
process.exit(answer.ok ? 0 : 1);
