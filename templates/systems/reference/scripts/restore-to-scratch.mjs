// Has the backup host restore to a moment on a server of its own: restore-to-scratch.mjs <agent's address> <moment>
// The agent takes the newest base backup before that moment and replays the archived log up to it.
const [agent, moment] = process.argv.slice(2);
if (moment === undefined) {
  console.error("restore-to-scratch.mjs <agent's address> <moment>");
  process.exit(64);
}

const answer = await fetch(new URL("/scratch", agent), {
  method: "POST",
  headers: {
    authorization: `Bearer ${process.env.REFERENCE_HOSTS_TOKEN}`,
    "content-type": "application/json",
  },
  body: JSON.stringify({ target: moment }),
  redirect: "error",
  signal: AbortSignal.timeout(7_200_000),
});
console.log(answer.ok ? `Restored to ${moment}.` : `${answer.status} ${await answer.text()}`);
process.exit(answer.ok ? 0 : 1);
