import { register } from "node:module";

/** Before a bot: `--import …/without.js?guard=<id>` gives it its sources without one of the guards of the simulation. */
const { GUARDS } = await import("../simulation/guards/list.ts");
const id = new URL(import.meta.url).searchParams.get("guard");
const guard = GUARDS.find((one) => one.id === id);
if (guard === undefined) throw new Error(`There is no guard ${id}: ${GUARDS.map((one) => one.id).join(", ")}`);
register("../simulation/guards/hook.js", import.meta.url, { data: guard.edits });
