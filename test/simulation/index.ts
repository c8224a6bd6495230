import { install } from "./time.ts";

/** `npm run simulate -- --seed 7`, `--for 60s`, `--runs 100`, `--json`. */
install();
await (await import("./cli.ts")).main(process.argv.slice(2));
