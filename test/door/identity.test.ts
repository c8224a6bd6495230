import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Secret, TOTP } from "otpauth";
import { callerAt, type Door, doorOptions } from "../../src/cli/identity.ts";
import type { Proof } from "../../src/proof/proof.ts";
import { createTotp } from "../../src/proof/totp.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createProofs } from "../../src/timeline/proofs.ts";
import { TestHouse } from "../commands/house.ts";
import { hoursBefore, proofsBecome } from "../timeline/keys.ts";
import { storeOn, type TestServer, testServer } from "../timeline/server.ts";

describe("what is the door's, and what the command's", () => {
  test.each<[string[], string | null, string | null, string[]]>([
    [["status"], null, null, ["status"]],
    [["--as", "vera", "approve", "run-1", "ask-1"], "vera", null, ["approve", "run-1", "ask-1"]],
    [["approve", "--as=vera", "run-1", "--code", "123456"], "vera", "123456", ["approve", "run-1"]],
    [["note", "It", "is", "--as-bad", "as", "that"], null, null, ["note", "It", "is", "--as-bad", "as", "that"]],
    [["status", "--as"], "", null, ["status"]],
  ])("%j", (args, as, code, words) => {
    expect(doorOptions(args)).toEqual({ as, code, words });
  });
});

describe("who somebody at the command line is", () => {
  let server: TestServer;
  let store: Store;
  let house: TestHouse["house"];
  let proof: Proof;
  let secret: string;
  let requests = 0;

  beforeAll(async () => {
    server = await testServer();
    store = await storeOn(await server.database());
    proof = createTotp(createProofs(store.pool, store.keyring), randomBytes(32));
    ({ house } = new TestHouse(store));
    Object.assign(house, { proof });
    ({ secret } = await proof.begin(["practice/vera-lindqvist"], "Vera"));
    await proof.confirm(["practice/vera-lindqvist"], shows(-1), null, "enroll");
  }, 60_000);
  afterAll(async () => {
    await store?.close();
    await server?.close();
  });

  const shows = (steps: number) =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });
  const aged = () =>
    proofsBecome(store, ["practice/vera-lindqvist"], (row) => ({
      ...row,
      enrolledAt: hoursBefore(row.enrolledAt, 25),
    }));
  const at = async (door: Partial<Door>) => {
    const found = await callerAt(house, {
      ...{ as: null, code: null, osUser: "kim", people: new Map(), askCode: async () => null },
      ...{ key: `door-${++requests}`, ...door },
    });
    if (!("problem" in found)) return found.caller;
    expect(found.caller).toMatchObject({ door: "cli", person: null });
    return found.problem.code;
  };

  test("nobody, unless the installation names the user, or a code proves it", async () => {
    expect(await at({})).toBe("door-unknown");
    expect(await at({ osUser: null })).toBe("door-unknown");
    expect(await at({ people: new Map([["root", "sam-okafor"]]) })).toBe("door-unknown");
    expect(await at({ people: new Map([["kim", "nobody"]]) })).toBe("not-on-roster");
    expect(await at({ as: "" })).toBe("not-on-roster");
    expect(await at({ as: "sam-okafor" })).toBe("proof-not-enrolled");
    expect(await at({ as: "vera-lindqvist" })).toBe("proof-new");
    const kim = new Map([["kim", "sam-okafor"]]);
    expect(await at({ people: kim })).toMatchObject({ person: "sam-okafor", name: "Sam Okafor", barred: null });
    expect(await at({ people: kim, as: "sam okafor" })).toMatchObject({ person: "sam-okafor" });
  });

  test("somebody else than the user is, only with that person's code, once", async () => {
    await aged();
    const people = new Map([["kim", "sam-okafor"]]);
    const vera = { people, as: "Vera Lindqvist" };
    expect(await at(vera)).toBe("proof-missing");
    expect(await at({ ...vera, code: "000000" })).toBe("proof-wrong");
    expect(await at({ ...vera, code: shows(0) })).toMatchObject({ person: "vera-lindqvist" });
    expect(await at({ ...vera, code: shows(0) })).toBe("proof-used");
    expect(await at({ ...vera, askCode: async (name) => (name === "Vera Lindqvist" ? shows(1) : null) })).toMatchObject(
      { person: "vera-lindqvist" },
    );
    Object.assign(house, { proof: createTotp(createProofs(store.pool, store.keyring), null) });
    expect(await at({ ...vera, code: "123456" })).toBe("secret-key-missing");
    Object.assign(house, { proof });
  });
});
