// Has a database server started or stopped by its host's own agent: server.mjs <hosts' address> <name> running|stopped
// Running means out of recovery: the agent answers when the log is replayed. MARIMO_HOSTS_TOKEN says who asks.
const [hosts, name, state] = process.argv.slice(2);
const verb = { running: "start", stopped: "stop" }[state];
if (verb === undefined) {
  console.error("server.mjs <hosts' address> <name> running|stopped");
  process.exit(64);
}

const answer = await fetch(new URL(`/hosts/${encodeURIComponent(name)}/${verb}`, hosts), {
  method: "POST",
  headers: { authorization: `Bearer ${process.env.MARIMO_HOSTS_TOKEN}` },
  redirect: "error",
  signal: AbortSignal.timeout(3_500_000),
});
console.log(answer.ok ? `${name} is ${state}.` : `${answer.status} ${await answer.text()}`);
process.exit(answer.ok ? 0 : 1);
