import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { App, ReceiverEvent } from "@slack/bolt";
import { createWorkspace, type Workspace } from "../../practice/slack/workspace.ts";
import { SocketReceiver } from "../../src/slack/receiver.ts";
import { quiet, until } from "../support/postgres.ts";
import { timers } from "./timers.ts";

/**
 * What the rest of this room relies on, and what the pinned @slack/socket-mode has to keep doing for it. Run it again
 * before the version is moved.
 */
let workspace: Workspace;
let receiver: SocketReceiver;
afterEach(async () => {
  await receiver?.stop();
  await workspace?.close();
});

interface Watched {
  bodies: Record<string, unknown>[];
  fatal: string[];
  limited: number;
  hellos: (number | null)[];
  states: number[];
}

async function open(handle: (event: ReceiverEvent) => Promise<void> = (event) => event.ack()): Promise<Watched> {
  workspace = await createWorkspace();
  const { SLACK_API_URL, SLACK_APP_TOKEN } = workspace.environment();
  const watched: Watched = { bodies: [], fatal: [], limited: 0, hellos: [], states: [] };
  receiver = new SocketReceiver({
    appToken: SLACK_APP_TOKEN,
    apiUrl: SLACK_API_URL,
    log: quiet,
    onFatal: ({ says }) => watched.fatal.push(says),
    onState: (up) => watched.states.push(up),
    onHello: (connections) => watched.hellos.push(connections),
    onRateLimited: () => {
      watched.limited++;
    },
    lockedOutSeconds: 0.1,
  });
  const app = {
    processEvent: (event: ReceiverEvent) => {
      watched.bodies.push(event.body);
      return handle(event);
    },
  };
  receiver.init(app as unknown as App);
  await receiver.start();
  await until(() => receiver.connected === 2);
  return watched;
}

const press = () => workspace.as("UALEX").slash("/dr status");

describe("the socket receiver", () => {
  test("takes what comes over either connection, once", async () => {
    const watched = await open();
    for (let i = 0; i < 6; i++) expect(await press()).toMatchObject({ ok: true });
    expect(watched.bodies).toHaveLength(6);
    expect(workspace.connections().map(({ seen }) => seen)).toEqual([3, 3]);
    expect(watched.hellos).toEqual([1, 2]);
  });

  test("says how old its sockets are, when they were last heard, and how many broke", async () => {
    await open();
    const now = receiver.sockets();
    expect(now).toMatchObject({ open: 2, failures: 0 });
    // The SDK pings every 5 s: without its pongs this would be the age of a socket.
    const { pongSeconds, ageSeconds } = receiver.sockets(Date.now() + 60_000);
    expect([Math.round(ageSeconds / 10), Math.round(pongSeconds / 10)]).toEqual([6, 6]);
    await until(() => {
      const { pongSeconds: pong, ageSeconds: age } = receiver.sockets();
      return age > 5 && pong < age - 4;
    }, 15);
    workspace.faults("drop");
    await until(() => receiver.sockets().failures === 2);
    await until(() => receiver.connected === 2);
  }, 30_000);

  test("hears everything while Slack refreshes one connection", async () => {
    const watched = await open();
    workspace.faults("refresh", { connection: workspace.connections()[0]?.name as string });
    for (let i = 0; i < 10; i++) expect(await press()).toMatchObject({ ok: true });
    await until(() => receiver.connected === 2);
    expect(watched.bodies).toHaveLength(10);
  });

  test("is back at once when every connection is cut", async () => {
    await open();
    const cut = performance.now();
    workspace.faults("drop");
    await until(() => receiver.connected < 2);
    await until(() => receiver.connected === 2);
    expect(performance.now() - cut).toBeLessThan(4_000);
    expect(await press()).toMatchObject({ ok: true });
  });

  test("keeps trying while Slack is away, and is there when it is back", async () => {
    await open();
    workspace.faults("unavailable", { seconds: 60 });
    workspace.faults("drop");
    await until(() => receiver.connected === 0);
    await until(() => workspace.inspected.filter((one) => one.name === "apps.connections.open").length >= 6);
    workspace.faults("calm");
    await until(() => receiver.connected === 2);
  });

  test("a payload without an event inside ends nothing", async () => {
    const watched = await open();
    workspace.faults("appRateLimited");
    await until(() => watched.limited === 1);
    expect(await press()).toMatchObject({ ok: true });
    expect(watched.bodies).toHaveLength(1);
  });

  test("says once that it is locked out, and comes back when it is let in", async () => {
    const watched = await open();
    workspace.faults("revoke");
    await until(() => watched.fatal.length === 1);
    await until(() => workspace.inspected.filter((one) => one.name === "apps.connections.open").length >= 6);
    expect(watched.fatal).toHaveLength(1);
    workspace.faults("restore");
    await until(() => receiver.connected === 2);
  });

  test("waits for what is being handled before it is gone, and leaves no connection behind", async () => {
    let finished = false;
    let begun = false;
    await open(async (event) => {
      await event.ack();
      begun = true;
      await new Promise((resolve) => setTimeout(resolve, 300));
      finished = true;
    });
    const pressed = press();
    await until(() => begun);
    await receiver.stop();
    expect(finished).toBe(true);
    expect(await pressed).toMatchObject({ ok: true });
    await until(() => workspace.connections().length === 0);
  });

  test("acknowledges what came in before it closes", async () => {
    let begun = false;
    await open(async (event) => {
      begun = true;
      await new Promise((resolve) => setTimeout(resolve, 200));
      await event.ack();
    });
    const pressed = press();
    await until(() => begun);
    await receiver.stop();
    expect(await pressed).toMatchObject({ ok: true });
  });

  test("a listener that throws ends nothing and acknowledges nothing", async () => {
    const watched = await open(async () => {
      throw new Error("a mistake of ours");
    });
    void press();
    await until(() => watched.bodies.length === 1);
    expect(receiver.connected).toBe(2);
  });
});

test("stopped at any moment of its start, it leaves no timer and no connection behind", async () => {
  await open();
  await receiver.stop();
  const before = timers();
  for (let milliseconds = 0; milliseconds < 60; milliseconds += 2) {
    await receiver.start();
    await pause(milliseconds);
    await receiver.stop();
  }
  await until(() => workspace.connections().length === 0);
  await until(() => timers() <= before);
});
