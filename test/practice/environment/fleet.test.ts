import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { absent, openFleet } from "../../../practice/environment/fleet.ts";
import { soon } from "../../../practice/environment/patience.ts";
import { built } from "../../support/built.ts";

/** Programs of the system's packages that practice starts: none may outlive it. */
const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("a host that is killed leaves neither programs nor folders behind", async () => {
  const host = spawn(process.execPath, [await built("test/practice/environment/fleet-holder.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(host.stdout, "data")) as [Buffer];
  const { pid, folder } = JSON.parse(line.toString("utf8")) as { pid: number; folder: string };
  expect(alive(pid)).toBe(true);
  expect(existsSync(folder)).toBe(true);
  host.kill("SIGKILL");
  await soon("everything being gone", async () => !alive(pid) && !existsSync(folder));
});

test("a fleet that is stopped is gone when stop returns", async () => {
  const fleet = await openFleet("stopped");
  const member = await fleet.start("sleep", ["600"]);
  await fleet.stop();
  await soon("the program being gone", async () => !member.running);
  expect(existsSync(fleet.folder)).toBe(false);
});

test("absent programs are named", async () => {
  expect(await absent(["sleep", "no-such-program-here"])).toEqual(["no-such-program-here"]);
});
