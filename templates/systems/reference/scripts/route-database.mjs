// Says where a region's load balancer leads: route-database.mjs <agent's address> cluster|scratch <region>
const [agent, to, region] = process.argv.slice(2);
if ((to !== "cluster" && to !== "scratch") || region === undefined) {
  console.error("route-database.mjs <agent's address> cluster|scratch <region>");
  process.exit(64);
}

const answer = await fetch(new URL("/route", agent), {
  method: "PUT",
  headers: {
    authorization: `Bearer ${process.env.REFERENCE_HOSTS_TOKEN}`,
    "content-type": "application/json",
  },
  body: JSON.stringify({ to, region }),
  redirect: "error",
  signal: AbortSignal.timeout(10_000),
});
console.log(
  answer.ok ? `The load balancer in ${region} leads to the ${to}.` : `${answer.status} ${await answer.text()}`,
);
process.exit(answer.ok ? 0 : 1);
