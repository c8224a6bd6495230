import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { expect, test } from "@jest/globals";
import pg from "pg";
import { LateDatabase, namedWhenLate } from "../../src/lib/late-database.ts";
import { isTransient } from "../../src/timeline/index.ts";

test("a server that accepts and says nothing is named, with what to do, and may answer later", async () => {
  const silent = createServer(() => {});
  await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
  const { port } = silent.address() as AddressInfo;
  const url = `postgres://someone:secret@127.0.0.1:${port}/orders`;
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 50 });
  client.on("error", () => {});
  try {
    const late = await namedWhenLate(url, () => client.connect()).catch((error: unknown) => error);
    expect(late).toBeInstanceOf(LateDatabase);
    const { problem } = late as LateDatabase;
    expect(problem).toMatchObject({
      where: `PostgreSQL at 127.0.0.1:${port}`,
      next: expect.stringMatching(/try again/),
    });
    expect(String(late)).not.toContain("secret");
    expect(isTransient(late)).toBe(true);
  } finally {
    silent.close();
  }
});

test("any other failure is left as it is", async () => {
  const error = new Error("password authentication failed");
  await expect(namedWhenLate("postgres://a:b@c/d", () => Promise.reject(error))).rejects.toBe(error);
});
