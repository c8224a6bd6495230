import { targetNamed } from "./targets.ts";

/**
 * Starts a target's stand-in as a process of its own and prints the environment that leads to it, ready to be pasted:
 * `node --import tsx test/live/serve.ts kubernetes`. It ends when its standard input closes, or with Ctrl-C.
 */
const target = targetNamed(process.argv[2]);
const standIn = await target.standIn();
const quoted = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;
for (const [name, value] of Object.entries({ ...standIn.environment, LIVE_PRACTICE: "1" })) {
  process.stdout.write(`export ${name}=${quoted(value)}\n`);
}
process.stdout.write(`# npm run test:live -- ${target.id} --may-change ${quoted(standIn.mayChange)}\n`);

let ending = false;
const end = async () => {
  if (ending) return;
  ending = true;
  await standIn.stop();
  process.exit(0);
};
process.stdin.resume();
process.stdin.on("close", () => void end());
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void end());
