import { resolve } from "node:path";
import { programsOf, startControlPlane } from "./control-plane.ts";
import { imagined } from "./imagined.ts";
import { playNodes } from "./nodes.ts";

/** Runs a real control plane until it is ended, and says how to reach it: `node --import tsx test/live/control-plane/start.ts FOLDER`. */
const folder = process.argv[2];
if (folder === undefined) throw new Error("the folder it may fill");
const plane = await startControlPlane(resolve(folder), programsOf(process.env));
const nodes = await playNodes(plane.api, ["north", "south"], imagined({ startMs: 500, stopMs: 500, jobMs: 1_000 }));
process.stdout.write(`KUBECONFIG=${plane.kubeconfig}\nKUBE_CONTEXT=${plane.context}\nKUBE_CLUSTER_UID=${plane.uid}\n`);
await new Promise<void>((end) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => end());
});
await nodes.stop();
await plane.stop();
