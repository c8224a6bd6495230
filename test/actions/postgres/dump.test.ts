import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { beforeAll, expect, test } from "@jest/globals";
import { soon } from "../../../practice/environment/patience.ts";
import { actionHarness, blockedBy } from "../../support/action-harness.ts";
import { performAndDie, recoverFrom } from "../../support/crash.ts";
import { describeWith } from "../../support/describe-with.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { needs, opened, type Stock, secrets, suite } from "./dump-failure-cases.ts";

await runFailureSuite(suite);

/** A real pg_dump and a real pg_restore: what is there is dumped first, and replaced as a whole or not at all. */
const describe = await describeWith(needs.programs, needs.packages);

describe("postgres.dump and postgres.restore_dump", () => {
  const harness = actionHarness(secrets);
  let host: Stock["host"];
  let folder: string;
  let file: string;
  const node: Stock["node"] = (database, port) => opened().node(database, port);
  const sql: Stock["sql"] = (text, database) => opened().sql(text, database);
  const connect = () => opened().connect();
  const stock = () => opened().rows();
  const spoil = () => opened().spoil();
  const dump = (label: string) => ({ node: node(), folder, label });
  const restore = (more: object = {}) => ({ node: node(), from: { file }, safetyStep: "safety", ...more });

  beforeAll(async () => {
    ({ host, folder, file } = opened());
    await opened().refill();
  });

  test("a dump has its checksum and its counts beside it, and a killed one leaves none behind that counts", async () => {
    expect(await readFile(`${file}.sha256`, "utf8")).toMatch(/^[0-9a-f]{64} {2}good-shop-\d{8}T\d{9}Z\.dump\n$/);
    expect(JSON.parse(await readFile(`${file}.json`, "utf8"))).toMatchObject({ tables: { "public.stock": 20_000 } });
    const died = await performAndDie("postgres.dump", dump("killed"), { secrets, at: "tables counted" });
    expect((await recoverFrom(harness, "postgres.dump", dump("killed"), died.before)).way).toBe("again");
    const whole = await performAndDie("postgres.dump", dump("killed"), { secrets });
    const found = await recoverFrom(harness, "postgres.dump", dump("killed"), whole.before);
    expect(found).toMatchObject({
      way: "verify",
      evidence: { says: expect.stringContaining("20000 rows in 1 tables") },
    });
    const counted = (await readdir(folder)).filter((name) => /^killed-.*\.dump\.json$/.test(name));
    expect(counted).toHaveLength(2);
  }, 60_000);

  test("a database that no runbook names is drift, and one that can't be asked for is none", async () => {
    const drift = async (given: object) =>
      (await harness.look("postgres.unlisted", given)).checks.map(({ id, level, ok }) => [id, level, ok]);
    expect(await drift({ node: node(), known: ["shop"] })).toEqual([["drift.database/empty", "warn", false]]);
    expect(await drift({ node: node(), known: ["shop"], ignore: ["database/em*"] })).toEqual([]);
    expect(await drift({ node: node("nowhere"), known: [] })).toEqual([]);
  });

  test("nothing is replaced before it is dumped, nor under an application that writes", async () => {
    const unsafe = await harness.look("postgres.restore_dump", restore({ quietSteps: ["scale-down"] }));
    expect(blockedBy(unsafe.checks)).toEqual(["evidence.quiet", "evidence.safety"]);
    await harness.perform("safety", "postgres.dump", dump("safety"));
    const application = await connect();
    try {
      const busy = await harness.look("postgres.restore_dump", restore());
      expect(blockedBy(busy.checks)).toEqual(["evidence.quiet"]);
      expect(busy.facts).toMatchObject({ sessions: 1 });
    } finally {
      await application.end();
    }
    expect(() => harness.input("postgres.restore_dump", { ...restore(), safetyStep: undefined })).toThrow(
      /has to name the step that dumped/,
    );
  }, 30_000);

  test("a file that is not what its checksum says is not restored", async () => {
    const broken = join(folder, "broken.dump");
    await writeFile(broken, (await readFile(file)).fill(0, 2000, 2100));
    const unknown = await harness.look("postgres.restore_dump", restore({ from: { file: broken } }));
    expect(blockedBy(unknown.checks)).toContain("dump.sha256");
    const { facts } = await harness.look("postgres.restore_dump", restore());
    const exchanged = restore({ from: { file: broken, sha256: String(facts.sha256) } });
    expect(blockedBy((await harness.look("postgres.restore_dump", exchanged)).checks)).toContain("dump.sha256");
  }, 30_000);

  test("one is chosen by its name, or by what it was made before; what there is to choose from is shown", async () => {
    const first = await harness.perform("first", "postgres.dump", dump("choice"));
    const between = new Date().toISOString();
    await harness.perform("second", "postgres.dump", dump("choice"));
    const names = [first.facts.dumpFile].map((path) => basename(String(path)));
    const look = async (more: object) =>
      await harness.look("postgres.check_dump", {
        from: { newestIn: folder, label: "choice", ...more },
        maxAgeHours: 1e-9,
      });
    const newest = await look({});
    expect(String(newest.facts.dumpsThere).split(", ")).toHaveLength(2);
    expect(newest.facts.dumpFile).not.toBe(first.facts.dumpFile);
    // The newest has to be young; one that was chosen is what was chosen.
    expect(blockedBy(newest.checks)).toEqual(["dump.young"]);
    for (const more of [{ backup: names[0] }, { before: between }]) {
      const chosen = await look(more);
      expect([chosen.facts.dumpFile, blockedBy(chosen.checks)]).toEqual([first.facts.dumpFile, []]);
    }
    const gone = await look({ backup: "choice-shop-20200101T000000000Z.dump" });
    expect(gone.checks.find(({ id }) => id === "dump.sha256")?.says).toContain(String(names[0]));
    expect(() => harness.input("postgres.check_dump", { from: { newestIn: folder, backup: "../x.dump" } })).toThrow();
  }, 30_000);

  test("restores all of it, holds it against the counts, and knows the way back", async () => {
    await spoil();
    await soon(
      "sessions ending",
      async () =>
        (
          await sql(
            "select count(*)::int as n from pg_stat_activity where datname = 'shop' and pid <> pg_backend_pid()",
          )
        )[0]?.n === 0,
    );
    const safety = await harness.perform("safety", "postgres.dump", dump("safety"));
    const { evidence, facts } = await harness.perform("restore", "postgres.restore_dump", restore());
    expect(evidence.says).toContain("20000 rows in 1 tables, as many as when it was dumped");
    expect(facts).toMatchObject({ restored: true, rows: 20_000 });
    expect(await stock()).toEqual({ n: 20_000, least: 1 });
    // The way back.
    const back = restore({ from: { newestIn: folder, label: "safety" } });
    await harness.perform("safety", "postgres.dump", dump("before-back"));
    await harness.perform("back", "postgres.restore_dump", back);
    expect(await stock()).toEqual({ n: 100, least: -1 });
    expect(safety.evidence.says).toContain("100 rows");
  }, 60_000);

  test("a restore that breaks changes nothing", async () => {
    await harness.perform("safety", "postgres.dump", dump("safety"));
    const [before] = await sql("select 'stock'::regclass::oid::int as id");
    // What the dump does not know of stands in the way of dropping the table.
    await sql("create view leftover as select * from stock");
    await expect(harness.perform("restore", "postgres.restore_dump", restore())).rejects.toThrow(/depend/);
    await sql("drop view leftover");
    const [after] = await sql("select 'stock'::regclass::oid::int as id");
    expect(after).toEqual(before);
  }, 30_000);

  test("killed before it began, a person is asked; killed after it, it is seen", async () => {
    await spoil();
    const given = { node: node(), from: { file }, replaces: true, safetyStep: "safety" };
    const early = await performAndDie("postgres.restore_dump", given, { secrets, at: "in one transaction" });
    expect((await recoverFrom(harness, "postgres.restore_dump", given, early.before)).way).toBe("ask");
    expect(await stock()).toEqual({ n: 100, least: -1 });
    const late = await performAndDie("postgres.restore_dump", given, { secrets });
    expect(late.applied).toBe(true);
    const found = await recoverFrom(harness, "postgres.restore_dump", given, late.before);
    expect(found).toMatchObject({ way: "verify", evidence: { facts: expect.anything() } });
    expect(await stock()).toEqual({ n: 20_000, least: 1 });
  }, 60_000);

  test("into an empty database it needs no way back, and never into one that is not", async () => {
    const given = { node: node("empty"), from: { newestIn: folder, label: "good" }, replaces: false };
    const { facts } = await harness.perform("scratch", "postgres.restore_dump", given);
    expect(facts).toMatchObject({ rows: 20_000 });
    const again = await harness.look("postgres.restore_dump", given);
    expect(blockedBy(again.checks)).toEqual(["database.empty"]);
  }, 30_000);

  test("a server that hangs costs seconds and blocks", async () => {
    await host.freeze();
    try {
      const looked = await harness.look("postgres.restore_dump", restore());
      expect(blockedBy(looked.checks)).toContain("database.answers");
      expect(looked.done).toBe("unknown");
    } finally {
      await host.thaw();
    }
  }, 30_000);
});
