import { register } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../../src/lib/root.ts";
import { install } from "./time.ts";

/** `npm run simulate -- --seed 7`, `--for 60s`, `--runs 100`, `--core`, `--json`, `--guards`. */
const args = process.argv.slice(2);
install();
const without = args.includes("--without") ? args[args.indexOf("--without") + 1] : undefined;
if (without !== undefined) {
  const { GUARDS } = await import("./guards/list.ts");
  const guard = GUARDS.find(({ id }) => id === without);
  if (guard === undefined) throw new Error(`There is no guard ${without}: ${GUARDS.map(({ id }) => id).join(", ")}`);
  const root = projectRoot();
  const hook = pathToFileURL(join(root, "test/simulation/guards/hook.js"));
  register(hook, { data: { edits: guard.edits, root } });
}
await (await import("./cli.ts")).main(args);
