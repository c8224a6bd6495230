import { setImmediate as turn } from "node:timers/promises";
import { afterEach, expect, test } from "@jest/globals";
import type { Logger } from "../../src/lib/log.ts";
import { createTasks } from "../../src/projection/flights.ts";
import { createProjector, type Projector, type ProjectorOptions } from "../../src/projection/projector.ts";

const projectors: Projector[] = [];
afterEach(async () => {
  await Promise.all(projectors.splice(0).map((one) => one.stop()));
});

/** A timeline that tells of what is said to have changed, and a log that is read. */
function projector(options: Partial<ProjectorOptions>) {
  const followers = new Set<(stream: string, version: number) => void>();
  const said: string[] = [];
  const note = (level: string) => (fields: { event?: string }) => void said.push(`${level} ${fields.event}`);
  const made = createProjector({
    name: "test",
    timeline: {
      follow(changed) {
        followers.add(changed);
        return () => followers.delete(changed);
      },
    },
    log: { error: note("error"), debug: note("debug") } as unknown as Logger,
    look: async () => {},
    missed: async () => [],
    ...options,
  });
  projectors.push(made);
  return {
    made,
    said,
    followers,
    tell: (stream: string) => {
      for (const changed of followers) changed(stream, 1);
    },
  };
}

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** Until it is so; jest's own deadline ends it. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

test("looks at one stream once at a time, and once more for all that changed meanwhile", async () => {
  const looked: string[] = [];
  const first = gate();
  const { made, tell } = projector({
    async look(stream) {
      looked.push(stream);
      if (looked.length === 1) await first.opened;
    },
  });
  made.start();
  tell("inc-1");
  await until(() => looked.length === 1);
  for (let i = 0; i < 5; i++) tell("inc-1");
  tell("inc-2");
  await until(() => looked.length === 2);
  expect(looked).toEqual(["inc-1", "inc-2"]);
  first.open();
  await until(() => looked.length === 3);
  await made.stop();
  expect(looked).toEqual(["inc-1", "inc-2", "inc-1"]);
});

test("leaves alone what doesn't concern it", async () => {
  const looked: string[] = [];
  const { made, tell } = projector({ look: async (stream) => void looked.push(stream) });
  made.start();
  tell("catalog");
  tell("inc-1");
  await until(() => looked.length > 0);
  expect(looked).toEqual(["inc-1"]);
});

test("begins no round before what was missed is known, and looks at that", async () => {
  const did: string[] = [];
  const known = gate();
  const { made } = projector({
    look: async (stream) => void did.push(stream),
    async missed() {
      await known.opened;
      return ["inc-1"];
    },
    round: async () => void did.push("round"),
    everyMs: 60_000,
  });
  made.start();
  made.wake();
  await turn();
  expect(did).toEqual([]);
  known.open();
  await until(() => did.length === 2);
  expect(did).toEqual(["inc-1", "round"]);
});

test("a round that is requested during a round comes right after it", async () => {
  let rounds = 0;
  const first = gate();
  const { made } = projector({
    async round() {
      rounds += 1;
      if (rounds === 1) await first.opened;
    },
    everyMs: 60_000,
  });
  made.start();
  await until(() => rounds === 1);
  made.wake();
  made.wake();
  first.open();
  await until(() => rounds === 2);
  await made.stop();
  expect(rounds).toBe(2);
});

test("repeats a look and a catch-up that failed, and says so once each", async () => {
  let looks = 0;
  let catchUps = 0;
  const { made, said } = projector({
    async look() {
      looks += 1;
      if (looks === 1) throw new Error("the store is away");
    },
    async missed() {
      catchUps += 1;
      if (catchUps === 1) throw new Error("the store is away");
      return ["inc-1"];
    },
  });
  made.start();
  await until(() => looks === 2);
  expect(catchUps).toBe(2);
  expect(said).toEqual(["error projector.look_failed", "error projector.look_failed"]);
}, 20_000);

test("a stop waits for the look and the round in progress, and begins nothing more", async () => {
  const did: string[] = [];
  const open = gate();
  const { made, tell, followers } = projector({
    async look(stream) {
      did.push(`begin ${stream}`);
      await open.opened;
      did.push(`end ${stream}`);
    },
    async round() {
      did.push("begin round");
      await open.opened;
      did.push("end round");
    },
  });
  made.start();
  tell("inc-1");
  await until(() => did.length === 2);
  tell("inc-1");
  made.wake();
  const stopped = made.stop();
  tell("inc-2");
  expect(followers.size).toBe(0);
  open.open();
  await stopped;
  expect(did.toSorted()).toEqual(["begin inc-1", "begin round", "end inc-1", "end round"]);
  made.changed("inc-3");
  made.wake();
  await turn();
  expect(did).toHaveLength(4);
});

test("a task in progress is not begun a second time", async () => {
  const tasks = createTasks();
  const open = gate();
  let begun = 0;
  const work = async () => {
    begun += 1;
    await open.opened;
  };
  tasks.start("a", work);
  tasks.start("a", work);
  tasks.start("b", work);
  expect([begun, tasks.size, tasks.has("a")]).toEqual([2, 2, true]);
  open.open();
  await tasks.settled();
  expect(tasks.size).toBe(0);
});
