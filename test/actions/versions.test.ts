import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { openServer, type StandInServer } from "../../practice/kit/server.ts";
import { CONTRACTS } from "../../src/actions/versions.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { actionHarness } from "../support/action-harness.ts";

const page = readFileSync(join(projectRoot(), "docs/contracts.md"), "utf8");

test("every contract is on the page, with a reference that is there and speaks it", () => {
  for (const contract of Object.values(CONTRACTS)) {
    const [, reference] = new RegExp(`\\| \`${contract}\` \\|.*\\| \`(practice/[^\`]+)\` \\|`).exec(page) ?? [];
    expect([contract, reference !== undefined && existsSync(join(projectRoot(), reference))]).toEqual([contract, true]);
    expect(readFileSync(join(projectRoot(), String(reference)), "utf8")).toContain(`"${contract}"`.replaceAll('"', ""));
    expect(page).toContain(`## \`${contract}\``);
  }
});

describe("an endpoint that says which version it speaks", () => {
  let says: string | null = null;
  let server: StandInServer;
  beforeEach(async () => {
    server = await openServer({
      isWrite: ({ method }) => method !== "GET",
      answer: () => ({
        status: 200,
        body: { readonly: false, BUCKET: "east" },
        ...(says === null ? {} : { headers: { "lifeboat-contract": says } }),
      }),
    });
  });
  afterEach(() => server.close());

  test.each([
    ["says none: it is the first version", null, true],
    ["says ours", CONTRACTS.readonly, true],
    ["says another version", "lifeboat.readonly/2", false],
    ["says another contract", CONTRACTS.settings, false],
  ])("%s", async (_what, said, ok) => {
    says = said;
    const { checks } = await actionHarness({}).look("app.readonly", {
      name: "shop",
      flag: { by: "http", url: server.url },
      probe: { url: server.url, path: "/probe" },
    });
    const answers = checks.find(({ id }) => id === "flag.answers");
    expect(answers).toMatchObject({ ok, says: expect.stringContaining(ok ? "writable" : `It speaks ${said}`) });
    expect(server.writes()).toEqual([]);
  });

  test("a setting of another version is not read, so it is not written", async () => {
    says = "lifeboat.settings/7";
    const { inHttp } = await import("../../src/actions/s3/setting-http.ts");
    const { context } = actionHarness({});
    const read = await inHttp({ kind: "http", url: `${server.url}/settings` }).read(context, ["BUCKET"], true);
    expect(read).toMatchObject({ version: null, checks: [{ ok: false, says: expect.stringContaining("settings/7") }] });
  });
});
