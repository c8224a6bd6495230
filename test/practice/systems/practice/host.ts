import { createPracticeEnvironment } from "../../../../practice/systems/practice/index.ts";
import { createLog } from "../../../../src/lib/log.ts";

/** A practice host as a process of its own, for tests that kill it. Says what it started, then stays. */
const environment = await createPracticeEnvironment({ folder: process.argv[2] as string, log: createLog("silent") });
const started = { folders: environment.nodes.map((node) => node.folder), application: environment.application.url };
process.stdout.write(`${JSON.stringify(started)}\n`);
setInterval(() => {}, 1000);
