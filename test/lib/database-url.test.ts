import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { asUser, parseDatabaseUrl } from "../../src/lib/database-url.ts";

describe("an address of PostgreSQL", () => {
  test.each([
    ["postgres://bot:secret@db/lifeboat", ["postgres://bot:secret@db/lifeboat"]],
    ["postgresql://db:5433/lifeboat?sslmode=require", ["postgresql://db:5433/lifeboat?sslmode=require"]],
    [
      "postgres://bot:se%40cret@a:5432,b,[::1]:5434/lifeboat?sslmode=require&target_session_attrs=read-write",
      ["a:5432", "b", "[::1]:5434"].map((host) => `postgres://bot:se%40cret@${host}/lifeboat?sslmode=require`),
    ],
  ])("%s", (text, hosts) => {
    expect(parseDatabaseUrl(text)?.hosts.map(({ href }) => href)).toEqual(hosts);
  });

  test.each([
    "",
    "db:5432/lifeboat",
    "https://db/lifeboat",
    "postgres://a:54x,b/lifeboat",
    // A store has to take writes.
    "postgres://a,b/lifeboat?target_session_attrs=standby",
  ])("%p is none", (text) => {
    expect(parseDatabaseUrl(text)).toBeNull();
  });

  test("as someone else names the same servers", () => {
    const host = fc.constantFrom("a", "db-1.internal:5432", "[::1]:5433", "10.0.0.7");
    const login = fc.stringMatching(/^[a-z$&%_]{1,12}$/);
    fc.assert(
      fc.property(fc.array(host, { minLength: 1, maxLength: 4 }), login, login, (hosts, user, password) => {
        const given = `postgres://owner:secret@${hosts.join()}/lifeboat?sslmode=require`;
        const parsed = parseDatabaseUrl(asUser(given, user, encodeURIComponent(password)));
        expect(parsed?.user).toBe(user);
        expect(decodeURIComponent(parsed?.password ?? "")).toBe(password);
        expect(parsed?.hosts.map((url) => url.host)).toEqual(parseDatabaseUrl(given)?.hosts.map((url) => url.host));
      }),
    );
  });
});
