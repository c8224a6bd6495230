import type { StandIn, Target } from "./target.ts";
import { targetNamed } from "./targets.ts";

/**
 * Starts stand-ins in a process of their own and prints, for each as soon as it is there, the environment that leads to it,
 * ready to be pasted: `node --import tsx test/live/serve.ts kubernetes`. It ends when its standard input closes, or with Ctrl-C.
 */
const wanted = process.argv.slice(2).map(targetNamed);
const quoted = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;
const started: StandIn[] = [];

let ending = false;
const end = async (code: number) => {
  if (ending) return;
  ending = true;
  await Promise.all(started.map((one) => one.stop()));
  process.exit(code);
};
process.stdin.resume();
process.stdin.on("close", () => void end(0));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void end(0));

if (wanted.length === 0) targetNamed(undefined);
await Promise.all([inTurn(), inTurn()]).catch((error: unknown) => {
  console.error(error);
  return end(1);
});

/** Two at a time: the one who holds the first ones meanwhile needs the machine too. */
async function inTurn(): Promise<void> {
  for (let next = wanted.shift(); next && !ending; next = wanted.shift()) await serve(next);
}

async function serve(target: Target): Promise<void> {
  const standIn = await target.standIn();
  if (ending) return await standIn.stop();
  started.push(standIn);
  const exports = Object.entries({ ...standIn.environment, LIVE_PRACTICE: "1" }).map(
    ([name, value]) => `export ${name}=${quoted(value)}\n`,
  );
  const run = `# npm run test:live -- ${target.id} --may-change ${quoted(standIn.mayChange)}\n`;
  process.stdout.write([...exports, run].join(""));
}
