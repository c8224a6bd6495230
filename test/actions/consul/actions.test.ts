import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { consulCovered } from "../../../practice/targets/consul/index.ts";
import { labelOf } from "../../../src/actions/consul/archive.ts";
import { type ActionHarness, actionHarness, blockedBy } from "../../support/action-harness.ts";
import { performAndDie, recoverFrom } from "../../support/crash.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { begin, type ConsulFixture, clusterOf, fill, saved, shared, suite } from "./failure-cases.ts";

await runFailureSuite(suite);

describe("consul.*", () => {
  let consul: ConsulFixture;
  let harness: ActionHarness;
  beforeEach(async () => {
    consul = await begin();
    harness = actionHarness({ ...consul.secrets });
  });
  afterEach(() => consul.close());

  test("everything it knows goes into a file for its owner alone, and comes back in a fresh one", async () => {
    const file = await saved();
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe("600");
    const given = { cluster: clusterOf(consul), file, pollSeconds: 0.02 };
    const { evidence } = await harness.perform("restore", "consul.restore", given);
    expect(evidence.says).toBe("erp knows 2 services and 2 keys again.");
    const checked = await harness.perform("check", "consul.check", {
      cluster: clusterOf(consul),
      services: ["auth"],
    });
    expect(checked.facts).toMatchObject({ services: 2, keys: 2, failureTolerance: 1 });
  });

  test("as many keys as in the snapshot are not what the snapshot holds: what stands there from the last time is replaced", async () => {
    const file = await saved();
    fill(consul);
    consul.state.kv.set("erp/limits", "1");
    const given = { cluster: clusterOf(consul), file, replacesWhatIsThere: true, pollSeconds: 0.02 };
    await harness.perform("restore", "consul.restore", given);
    expect(consul.state.kv.get("erp/limits")).toBe("5");
    expect(consul.ledger.of("SnapshotRestore")).toHaveLength(1);
    // Again: it holds exactly that, so nothing is sent.
    await harness.perform("again", "consul.restore", given);
    expect(consul.ledger.of("SnapshotRestore")).toHaveLength(1);
  });

  test("a datacenter with the snapshot's keys and other values is not restored already, and not overwritten unless that is meant", async () => {
    const given = { cluster: clusterOf(consul), file: await saved(), pollSeconds: 0.02 };
    fill(consul);
    expect((await harness.look("consul.restore", given)).done).toBe("yes");
    consul.state.kv.set("erp/limits", "CORRUPT");
    const { done, checks } = await harness.look("consul.restore", given);
    expect([done, blockedBy(checks)]).toEqual(["no", ["cluster.fresh"]]);
    // A snapshot of 0.1 says how many keys it has, and not what is in them.
    const label = JSON.parse(await readFile(labelOf(given.file), "utf8"));
    await writeFile(labelOf(given.file), JSON.stringify({ ...label, contents: undefined }));
    fill(consul);
    expect((await harness.look("consul.restore", given)).done).toBe("no");
    expect(consul.ledger.of("SnapshotRestore")).toHaveLength(0);
  });

  test.each<[string, (consul: ConsulFixture) => void, string[]]>([
    [
      "no leader",
      ({ state }) => void Object.assign(state, { leader: "" }),
      ["cluster.leader", "cluster.healthy", "services.known"],
    ],
    ["servers lost", ({ state }) => void Object.assign(state, { healthy: false }), ["cluster.healthy"]],
    ["a service gone", ({ state }) => void state.services.delete("auth"), ["services.known"]],
    ["nobody there", ({ faults }) => faults.down("dc1"), ["cluster.answers"]],
    ["all well", () => {}, []],
  ])("what a check says: %s", async (_what, make, blocks) => {
    fill(consul);
    make(consul);
    const { checks } = await harness.look("consul.check", { cluster: clusterOf(consul), services: ["auth"] });
    expect(blockedBy(checks)).toEqual(blocks);
  });

  test("another version, a changed byte and a file without a label are refused before anything is sent", async () => {
    const file = await saved();
    const other = await begin("1.20.0");
    const elsewhere = actionHarness({ ...other.secrets });
    const wrongVersion = await elsewhere.look("consul.restore", { cluster: clusterOf(other), file });
    await other.close();
    expect(blockedBy(wrongVersion.checks)).toEqual(["snapshot.version"]);
    const bytes = await readFile(file);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    await writeFile(file, bytes);
    const broken = await harness.look("consul.restore", { cluster: clusterOf(consul), file });
    expect(blockedBy(broken.checks)).toEqual(["snapshot.whole"]);
    const bare = join(shared.folder, "bare.snap");
    await writeFile(bare, await readFile(await saved()));
    const unlabelled = await harness.look("consul.restore", { cluster: clusterOf(consul), file: bare });
    expect(blockedBy(unlabelled.checks)).toEqual(["snapshot.whole", "snapshot.version"]);
  });

  test("killed for real after the restore was sent: what is there is what was requested, and it is not sent again", async () => {
    const given = { cluster: clusterOf(consul), file: await saved(), pollSeconds: 0.02 };
    const died = await performAndDie("consul.restore", given, { secrets: { ...consul.secrets } });
    const { way, evidence } = await recoverFrom(harness, "consul.restore", given, died.before);
    expect([died.applied, way, evidence?.says]).toEqual([true, "verify", "erp knows 2 services and 2 keys again."]);
    expect(consul.ledger.of("SnapshotRestore")).toHaveLength(1);
  });

  test("what the stand-in covers is what its table answers", () => {
    expect(consulCovered().join(" ")).toMatchInlineSnapshot(
      `"AgentSelf AutopilotHealth CatalogServices HealthState KvKeys KvPut SnapshotRestore SnapshotSave StatusLeader"`,
    );
  });
});
