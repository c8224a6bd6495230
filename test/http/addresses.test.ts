import { connect } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { openPage } from "../../src/comms/page/serve.ts";
import { createHttpAddresses, type Served, type Site } from "../../src/http/addresses.ts";
import { freePort } from "../../src/lib/port.ts";
import { quiet } from "../support/postgres.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

function kept<T extends { close(): Promise<void> }>(one: T): T {
  open.push(one);
  return one;
}

/** A site that answers with its own name. */
function named(port: number, path: string, listener?: Site["listener"]): Site {
  const says: Site["listener"] = (_request, response) => response.end(path);
  return { address: { host: "127.0.0.1", port }, paths: [path], listener: listener ?? says };
}

async function asked(port: number, path: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5_000) });
  return `${answer.status} ${await answer.text()}`.trim();
}

test("what has the same address shares one server, by path; what no one serves is not found", async () => {
  const http = createHttpAddresses(quiet);
  const port = await freePort();
  const one = kept(await http.serve(named(port, "/one")));
  const other = kept(await http.serve(named(port, "/other")));
  expect([one.port, other.port]).toEqual([port, port]);
  expect(await Promise.all(["/one", "/other", "/one?a=b", "/third"].map((path) => asked(port, path)))).toEqual([
    "200 /one",
    "200 /other",
    "200 /one",
    "404",
  ]);
});

test("a sender is told to try again while its site isn't served yet, and when it's gone", async () => {
  const http = createHttpAddresses(quiet, ["/late"]);
  const port = await freePort();
  kept(await http.serve(named(port, "/one")));
  expect(await asked(port, "/late")).toBe("503");
  const late = await http.serve(named(port, "/late"));
  expect(await asked(port, "/late")).toBe("200 /late");
  await late.close();
  expect(late.listening).toBe(false);
  expect(await asked(port, "/late")).toBe("503");
  expect(await asked(port, "/one")).toBe("200 /one");
});

test("the last to leave ends the server, and what is in progress is waited for", async () => {
  const http = createHttpAddresses(quiet);
  const port = await freePort();
  let finish = () => {};
  const begun = new Promise<void>((resolve) => {
    void http
      .serve(
        named(port, "/slow", (_request, response) => {
          finish = () => response.end("done");
          resolve();
        }),
      )
      .then(kept);
  });
  await until(() => open.length === 1);
  const slow = open[0] as Served;
  const answer = asked(port, "/slow");
  await begun;
  const closed = slow.close(30_000);
  await expect(asked(port, "/slow")).rejects.toThrow();
  finish();
  expect(await answer).toBe("200 done");
  await closed;
  const again = kept(await http.serve(named(port, "/again")));
  expect(await asked(again.port, "/again")).toBe("200 /again");
});

test("a site that throws or rejects answers 500 and ends nothing", async () => {
  const http = createHttpAddresses(quiet);
  const port = await freePort();
  const fails = () => {
    throw new Error("at once");
  };
  kept(await http.serve(named(port, "/throws", fails)));
  kept(await http.serve(named(port, "/rejects", async () => fails())));
  expect([await asked(port, "/throws"), await asked(port, "/rejects")]).toEqual(["500", "500"]);
  expect(await asked(port, "/throws")).toBe("500");
});

test("an address that is taken is an error for each who asks for it, and free for the next once it's given back", async () => {
  const port = await freePort();
  const holder = kept(await createHttpAddresses(quiet).serve(named(port, "/held")));
  const http = createHttpAddresses(quiet);
  for (let n = 0; n < 2; n++) await expect(http.serve(named(port, "/one"))).rejects.toThrow("EADDRINUSE");
  await holder.close();
  kept(await http.serve(named(port, "/one")));
  expect(await asked(port, "/one")).toBe("200 /one");
});

test("a sender that never finishes its headers is let go, whatever site shares the server", async () => {
  const http = createHttpAddresses(quiet);
  const port = await freePort();
  kept(await http.serve(named(port, "/one")));
  kept(await openPage({ folder: "/nowhere", address: { host: "127.0.0.1", port }, log: quiet, http }));
  expect(await asked(port, "/")).toMatch(/^200 .*No status yet/);
  const socket = connect(port, "127.0.0.1");
  const ended = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", () => {});
  socket.resume();
  socket.write("GET /one HTTP/1.1\r\nHost: x\r\n");
  await ended;
}, 30_000);

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
