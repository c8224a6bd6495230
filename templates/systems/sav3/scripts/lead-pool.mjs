// Has PgBouncer's host write where a database leads: lead-pool.mjs <hosts' address> <database> <host> <port>
// Only the file is written here; RELOAD is sent by whoever runs this. SAV3_HOSTS_TOKEN says who asks.
const [hosts, database, host, port] = process.argv.slice(2);
if (port === undefined) {
  console.error("lead-pool.mjs <hosts' address> <database> <host> <port>");
  process.exit(64);
}

const answer = await fetch(new URL(`/pools/${encodeURIComponent(database)}`, hosts), {
  method: "PUT",
  headers: { "content-type": "application/json", authorization: `Bearer ${process.env.SAV3_HOSTS_TOKEN}` },
  body: JSON.stringify({ host, port: Number(port) }),
  redirect: "error",
  signal: AbortSignal.timeout(10_000),
});
console.log(
  answer.ok ? `${database} leads to ${host}:${port} in the file.` : `${answer.status} ${await answer.text()}`,
);
process.exit(answer.ok ? 0 : 1);
