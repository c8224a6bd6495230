import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Logger, run } from "graphile-worker";

/** A process to be killed: graphile-worker does the steps of P12, each a job that adds the next one. */
interface Step {
  readonly dir: string;
  readonly of: string;
  readonly n: number;
  readonly last: number;
}

const runner = await run({
  connectionString: process.env.DATABASE_URL ?? "",
  concurrency: 10,
  pollInterval: 500,
  noHandleSignals: true,
  logger: new Logger(() => () => {}),
  taskList: {
    async step(given, { addJob }) {
      const { dir, of, n, last } = given as Step;
      appendFileSync(join(dir, "ledger"), `put ${of}-${n}\n`);
      writeFileSync(join(dir, `${of}-${n}`), "there");
      if (n < last) await addJob("step", { dir, of, n: n + 1, last });
    },
  },
});
process.on("uncaughtException", () => process.exit(1));
process.stdout.write("ready\n");
await runner.promise.catch(() => process.exit(1));
