// Has a database host rebuilt as a standby by its own agent: rejoin.mjs <hosts' address> <name>
// The agent stops the server, copies the primary, marks the copy a standby and starts it. PRACTICE_HOSTS_TOKEN says who asks.
const [hosts, name] = process.argv.slice(2);
if (name === undefined) {
  console.error("rejoin.mjs <hosts' address> <name>");
  process.exit(64);
}

const answer = await fetch(new URL(`/environment/hosts/${encodeURIComponent(name)}/rebuild`, hosts), {
  method: "POST",
  headers: { authorization: `Bearer ${process.env.PRACTICE_HOSTS_TOKEN}` },
  redirect: "error",
  signal: AbortSignal.timeout(60_000),
});
console.log(answer.ok ? `${name} was rebuilt as a standby.` : `${answer.status} ${await answer.text()}`);
process.exit(answer.ok ? 0 : 1);
