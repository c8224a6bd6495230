// Has a database host rebuilt as a standby of the other one by its own agent: rebuild.mjs <hosts' address> <name>
// The agent stops the server, copies the primary, marks the copy a standby and starts it. MIMIR_HOSTS_TOKEN says who asks.
const [hosts, name] = process.argv.slice(2);
if (name === undefined) {
  console.error("rebuild.mjs <hosts' address> <name>");
  process.exit(64);
}

const answer = await fetch(new URL(`/hosts/${encodeURIComponent(name)}/rebuild`, hosts), {
  method: "POST",
  headers: { authorization: `Bearer ${process.env.MIMIR_HOSTS_TOKEN}` },
  redirect: "error",
  signal: AbortSignal.timeout(3_500_000),
});
console.log(answer.ok ? `${name} was rebuilt as a standby.` : `${answer.status} ${await answer.text()}`);
process.exit(answer.ok ? 0 : 1);
