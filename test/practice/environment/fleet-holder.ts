import { openFleet } from "../../../practice/environment/fleet.ts";

/** Starts a program that would live on, says which and where, and waits to be killed. */
const fleet = await openFleet("held");
const member = await fleet.start("sleep", ["600"]);
process.stdout.write(`${JSON.stringify({ pid: member.pid, folder: fleet.folder })}\n`);
setInterval(() => {}, 1000);
