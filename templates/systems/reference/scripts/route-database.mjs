// Says where the database's load balancer leads: route-database.mjs <agent's address> cluster|scratch
const [agent, to] = process.argv.slice(2);
if (to !== "cluster" && to !== "scratch") {
  console.error("route-database.mjs <agent's address> cluster|scratch");
  process.exit(64);
}

const answer = await fetch(new URL("/route", agent), {
  method: "PUT",
  headers: {
    authorization: `Bearer ${process.env.REFERENCE_HOSTS_TOKEN}`,
    "content-type": "application/json",
  },
  body: JSON.stringify({ to }),
  redirect: "error",
  signal: AbortSignal.timeout(10_000),
});
console.log(answer.ok ? `The load balancer leads to the ${to}.` : `${answer.status} ${await answer.text()}`);
process.exit(answer.ok ? 0 : 1);
