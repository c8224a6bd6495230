// Points the orders application at another server: repoint.mjs <application's address> <name> <host> <port>
const [application, name, host, port] = process.argv.slice(2);
if (port === undefined) {
  console.error("repoint.mjs <application's address> <name> <host> <port>");
  process.exit(64);
}

const answer = await fetch(new URL("/target", application), {
  method: "PUT",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ name, host, port: Number(port) }),
  redirect: "error",
  signal: AbortSignal.timeout(5000),
});
console.log(answer.ok ? `The application writes to ${name} now.` : `${answer.status} ${await answer.text()}`);
process.exit(answer.ok ? 0 : 1);
