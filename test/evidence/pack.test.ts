import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { policyOf } from "../../src/catalog/policy.ts";
import { pictureFile } from "../../src/evidence/trend-files.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { peopleInEvents } from "../../src/people-in-events.ts";
import { openAudit } from "../../src/timeline/audit.ts";
import { forget } from "../../src/timeline/pseudonyms.ts";
import { asSuperuser, event, quiet, storeOn, type TestServer, testServer } from "../support/postgres.ts";
import { testKeyring, testKeys } from "../support/record-keys.ts";
import { eventsOf, storeWith } from "../support/recorded-store.ts";
import * as stories from "../support/report-stories.ts";
import { berlin } from "../support/report-stories.ts";
import { exportedFrom } from "./exported.ts";

/** A year's evidence, exported from a real store and given to a program that knows nothing of how it was made. */

let server: TestServer;
let url: string;
let folder: string;
let pack: string;
/** The stories' year is to be over, whenever this runs. */
const YEARS = -3653;
const year = { from: new Date("2016-01-01T00:00:00Z"), to: new Date("2017-01-01T00:00:00Z") };
const [publicKey] = testKeyring.publicKeys.values();

beforeAll(async () => {
  server = await testServer();
  folder = mkdtempSync(join(tmpdir(), "lifeboat-evidence-"));
  url = await server.database();
  const night = stories.deniedAndAskedAgain();
  const drill = stories.drill();
  const planned = stories.planned();
  const catalog = { systems: [berlin], runbooks: [] };
  await storeWith(
    url,
    {
      "inc-night000": eventsOf(night, YEARS),
      "inc-drill000": eventsOf(drill, YEARS - 40),
      "inc-maint000": eventsOf(planned, YEARS - 60),
      "inc-other000": eventsOf(stories.unplannedWithLoss(), YEARS - 400),
      "pol-orders": [
        {
          type: "policy.recorded",
          data: { system: "orders", policy: policyOf(berlin, catalog) },
          at: new Date("2015-09-01T00:00:00Z"),
        },
      ],
      "rdy-eu-orders": [
        { type: "readiness.changed", data: { runbook: "failover", to: "ready" }, at: new Date("2016-03-01T00:00:00Z") },
      ],
      workspace: [{ type: "workspace.told", data: {}, at: new Date("2016-03-01T00:00:00Z") }],
      "rdy-orders": [
        { type: "readiness.changed", data: { runbook: "failover", to: "ready" }, at: new Date("2016-03-01T00:00:00Z") },
        { type: "readiness.changed", data: { runbook: "failover", to: "stale" }, at: new Date("2016-04-01T00:00:00Z") },
      ],
    },
    [...night.plans, ...drill.plans, ...planned.plans],
    peopleInEvents(() => catalog),
  );
  pack = await exported("pack");
}, 120_000);

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.close();
});

async function exported(name: string, period = year, system: string | null = null): Promise<string> {
  const out = join(folder, name);
  const made = await exportedFrom(url, { ...period, system, out });
  expect(made.problems).toEqual([]);
  return out;
}

/** What the program prints, and how it ends. */
function verified(where: string, ...more: string[]): { readonly says: string; readonly status: number | null } {
  const program = join(projectRoot(), "verifier", "lifeboat-verify.mjs");
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, where, ...more], {
    ...{ encoding: "utf8", timeout: 30_000 },
  });
  return { says: `${stdout}${stderr}`, status };
}

/** A copy of the pack that something is done to. */
function harmed(name: string, harm: (copy: string) => void, more: readonly string[] = []): ReturnType<typeof verified> {
  const copy = join(folder, name);
  cpSync(pack, copy, { recursive: true });
  harm(copy);
  return verified(copy, "--key", publicKey ?? "", ...more);
}

const TIMELINE = "timelines/inc-night000.jsonl";
const linesIn = (copy: string, path = TIMELINE) => readFileSync(join(copy, path), "utf8").trimEnd().split("\n");
const writeLines = (copy: string, lines: readonly string[], path = TIMELINE) =>
  writeFileSync(join(copy, path), `${lines.join("\n")}\n`);

describe("a pack", () => {
  test("is whole to who is given the key, and to who is not it says that it proves less", () => {
    expect(verified(pack, "--key", publicKey ?? "")).toMatchObject({ status: 0 });
    const { says, status } = verified(pack);
    expect(says).toContain("The pack is whole.");
    expect(says).toContain("Keys: the pack's own");
    expect(status).toBe(0);
  });

  test("is the same, byte by byte, when it is exported again, also after the record went on", async () => {
    const store = await storeOn(url);
    const later = {
      events: [event("incident.noted", { data: { text: "Seen years later", happenedAt: null } })],
      value: null,
    };
    await store.timeline.decide("inc-night000", () => later);
    await store.close();
    const again = await exported("again");
    const files = filesOf(pack);
    expect(filesOf(again)).toEqual(files);
    for (const path of files) expect(readFileSync(join(again, path))).toEqual(readFileSync(join(pack, path)));
  });

  test("holds the population, what was real apart from what was practised", () => {
    const rows = linesIn(pack, "register.csv").map((row) => row.trim().split(",").slice(0, 2).join(" "));
    expect(rows).toEqual([
      "class entry",
      "real record",
      "real run",
      "real run",
      "maintenance record",
      "maintenance run",
      "drill record",
      "drill run",
    ]);
  });

  test("holds streams it knows nothing of", () => {
    expect(linesIn(pack, "events/rdy-orders.csv")).toHaveLength(3);
  });

  test("of one system holds nothing of another whose name ends with its name", async () => {
    const one = await exported("orders", year, "orders");
    expect(readdirSync(join(one, "events"))).toEqual(["rdy-orders.csv", "workspace.csv"]);
    expect(readdirSync(join(one, "timelines"))).not.toContain("rdy-eu-orders.jsonl");
    expect(readdirSync(join(pack, "events"))).toContain("rdy-eu-orders.csv");
    expect(verified(one, "--key", publicKey ?? "")).toMatchObject({ status: 0 });
  });

  test("gives each runbook a picture of its own, whatever hyphens are in names", () => {
    const of = (system: string, runbook: string) => pictureFile({ system, runbook, mode: "planned", kind: "drill" });
    expect(of("eu", "orders-failover")).not.toBe(of("eu-orders", "failover"));
    const pictures = linesIn(pack, "trends/runbooks.csv").flatMap((row) => row.match(/trends\/[^,\r]+\.svg/g) ?? []);
    expect(filesOf(pack).filter((path) => path.endsWith(".svg"))).toEqual(pictures.toSorted());
    expect(pictures).toContain("trends/orders/database-failover-planned-maintenance.svg");
  });

  test("ends where its period ends, whatever came after", async () => {
    const summer = await exported("autumn", { from: year.from, to: new Date("2016-11-20T02:45:30Z") });
    const manifest = JSON.parse(readFileSync(join(summer, "manifest.json"), "utf8"));
    const night = manifest.timelines.find(({ stream }: { stream: string }) => stream === "inc-night000");
    expect(linesIn(summer)).toHaveLength(night.version);
    expect(linesIn(pack).slice(0, night.version)).toEqual(linesIn(summer));
    expect(verified(summer, "--key", publicKey ?? "")).toMatchObject({ status: 0 });
  });
});

describe("what is done to a pack is named as what it is", () => {
  test("one flipped byte of an event", () => {
    const { says, status } = harmed("flipped", (copy) => {
      const lines = linesIn(copy);
      lines[4] = (lines[4] ?? "").replace(/"at":"2016/, '"at":"2017');
      writeLines(copy, lines);
    });
    expect(says).toContain(`event-changed: ${TIMELINE}: event 5 was changed after it was written`);
    expect(says).toContain("1 problems");
    expect(status).toBe(1);
  });

  test.each([1, 7])("one flipped byte of event %s, with no hash beside it", (number) => {
    const { says } = harmed(`flipped-${number}`, (copy) => {
      rmSync(join(copy, "authentication/inc-night000.csv"));
      const lines = linesIn(copy);
      const at = number - 1;
      lines[at] = (lines[at] ?? "").replace(/"key":"inc/, '"key":"inC');
      writeLines(copy, lines);
    });
    expect(says).toContain(`event-changed: ${TIMELINE}: event ${number} was changed after it was written`);
    expect(says).toContain("file-missing: authentication/inc-night000.csv");
  });

  test("one flipped byte of the last event, which nothing but its hash beside it tells from a rewritten chain", () => {
    const flip = (copy: string) =>
      writeLines(copy, linesIn(copy).with(-1, (linesIn(copy).at(-1) ?? "").replace(/"key":"inc/, '"key":"inC')));
    expect(harmed("last", flip).says).toMatch(/event-changed: .*: event \d+ was changed after it was written/);
    const alone = harmed("last-alone", (copy) => {
      rmSync(join(copy, "authentication/inc-night000.csv"));
      flip(copy);
    });
    expect(alone.says).toMatch(/rewritten: .*: its last event was changed, or it was rewritten/);
  });

  test("one flipped byte of a page", () => {
    const { says } = harmed("page", (copy) => {
      const [page = ""] = readdirSync(join(copy, "drills"));
      const place = join(copy, "drills", page);
      const bytes = readFileSync(place);
      bytes[200] = (bytes[200] ?? 0) ^ 1;
      writeFileSync(place, bytes);
    });
    expect(says).toMatch(/file-changed: drills\/.*: its bytes were changed/);
  });

  test("a dropped tail", () => {
    const { says } = harmed("cut", (copy) => writeLines(copy, linesIn(copy).slice(0, -3)));
    expect(says).toMatch(/tail-cut: .*night000.jsonl: its tail was cut off: it ends at event \d+, the manifest names/);
    expect(says).not.toContain("event-changed");
  });

  test("a dropped middle", () => {
    const { says } = harmed("middle", (copy) => writeLines(copy, linesIn(copy).toSpliced(3, 2)));
    expect(says).toContain(`events-missing: ${TIMELINE}: events 4 to 5 are missing`);
    expect(says).not.toContain("event-changed");
  });

  test("two events in another order", () => {
    const { says } = harmed("order", (copy) => {
      const lines = linesIn(copy);
      [lines[5], lines[6]] = [lines[6] ?? "", lines[5] ?? ""];
      writeLines(copy, lines);
    });
    expect(says).toContain(
      `events-reordered: ${TIMELINE}: its events are out of order: event 7 stands where event 6 belongs`,
    );
    expect(says).not.toContain("event-changed");
  });

  test("a chain that was written again from some event on", () => {
    const { says } = harmed("rewritten", (copy) => writeLines(copy, rewritten(linesIn(copy), 9)));
    expect(says).toContain(`rewritten: ${TIMELINE}: it was rewritten from event 9 on`);
    expect(says).not.toContain("event-changed");
  });

  test("a chain that was written again by who has the pack's whole format, but not the key", () => {
    const { says } = harmed("forged", (copy) => {
      writeLines(copy, rewritten(linesIn(copy), 9));
      rmSync(join(copy, "authentication/inc-night000.csv"));
      remade(copy, ["authentication/inc-night000.csv"]);
    });
    expect(says).toContain("manifest-changed: manifest.json: it was changed after it was signed");
    expect(says).toMatch(/rewritten: .*night000.jsonl: it was rewritten: its event \d+ isn't the one a head signed at/);
  });

  test("a tail that was cut by who made the manifest fit", () => {
    const { says } = harmed("forged-cut", (copy) => {
      writeLines(copy, linesIn(copy).slice(0, -3));
      rmSync(join(copy, "authentication/inc-night000.csv"));
      remade(copy, ["authentication/inc-night000.csv"]);
    });
    expect(says).toMatch(/tail-cut: .*: it ends at event \d+, and a head signed at .* names event/);
  });

  test("a file that was removed, one that was added, and two that were swapped", () => {
    const { says } = harmed("files", (copy) => {
      rmSync(join(copy, "register.csv"));
      writeFileSync(join(copy, "register-new.csv"), "nothing\n");
      const [one, two] = ["timelines/inc-drill000.jsonl", "timelines/inc-maint000.jsonl"].map((path) =>
        join(copy, path),
      );
      renameSync(one ?? "", `${one}.x`);
      renameSync(two ?? "", one ?? "");
      renameSync(`${one}.x`, two ?? "");
    });
    expect(says).toContain("file-missing: register.csv: it was removed");
    expect(says).toContain("file-extra: register-new.csv");
    expect(says).toContain(
      "file-swapped: timelines/inc-drill000.jsonl: it holds what timelines/inc-maint000.jsonl should hold",
    );
  });

  test("a file from another pack", async () => {
    const other = await exported("autumn-too", { from: year.from, to: new Date("2016-12-01T00:00:00Z") });
    const [record = ""] = readdirSync(join(pack, "incidents")).filter((name) => name.endsWith(".json"));
    const { says } = harmed("mixed", (copy) =>
      cpSync(join(other, "incidents", record), join(copy, "incidents", record)),
    );
    expect(says).toContain(
      `file-from-another-pack: incidents/${record}: it is from the pack of 2016-01-01T00:00:00.000Z to 2016-12-01`,
    );
  });

  test("words that would write the report themselves are shown and not done", () => {
    const { says, status } = harmed("words", (copy) => {
      const manifest = JSON.parse(readFileSync(join(copy, "manifest.json"), "utf8"));
      const person = "x\nThe pack is whole.\u001b[8m\u202e";
      writeFileSync(
        join(copy, "manifest.json"),
        JSON.stringify({ ...manifest, erased: [{ person, at: "", because: null }] }),
      );
    });
    expect(status).toBe(1);
    expect(says.split("\n").filter((line) => line.startsWith("The pack is"))).toEqual([
      expect.stringMatching(/^The pack is NOT whole: \d+ problems/),
    ]);
    expect(says).toContain("x\\u000aThe pack is whole.\\u001b[8m\\u202e");
    expect(says).not.toContain("\u001b");
  });

  test("a signature of someone else", () => {
    const { says } = harmed("other-key", (copy) => {
      const signed = JSON.parse(readFileSync(join(copy, "manifest.sig"), "utf8"));
      writeFileSync(join(copy, "manifest.sig"), `${JSON.stringify({ ...signed, key: "0".repeat(16) })}\n`);
    });
    expect(says).toContain("manifest-signature: manifest.json: it is signed with the key 0000000000000000");
  });

  test("heads kept elsewhere find a store that was cut before the export", async () => {
    const audit = await openAudit({
      databaseUrl: url,
      dataFolder: "/nonexistent",
      stateFolder: null,
      keys: testKeys,
      log: quiet,
    });
    const heads = await audit.heads().finally(() => audit.close());
    const kept = join(folder, "heads.jsonl");
    writeFileSync(kept, heads.map((head) => `${JSON.stringify(head)}\n`).join(""));
    expect(verified(pack, "--heads", kept)).toMatchObject({ status: 0 });
    await asSuperuser(
      url,
      `set session_replication_role = replica;
       delete from lifeboat.signed_statement where stream = 'inc-drill000';
       delete from lifeboat.event where stream = 'inc-drill000' and version > 5;
       update lifeboat.stream set version = 5, head_hash = (select hash from lifeboat.event where stream = 'inc-drill000' and version = 5)
        where id = 'inc-drill000'`,
    );
    const cut = await exported("cut-store");
    expect(verified(cut, "--key", publicKey ?? "")).toMatchObject({ status: 0 });
    expect(verified(cut, "--key", publicKey ?? "", "--heads", kept).says).toMatch(
      /tail-cut: timelines\/inc-drill000.jsonl: .*ends at event 5, and a head signed at/,
    );
  });
});

describe("what the operator leaves out, who signs the manifest again, is named", () => {
  const kept = (stream: string, version: number, at: string) => {
    const file = join(folder, `kept-${stream}-${version}.jsonl`);
    const head = { statement: "lifeboat/head/1", stream, version, hash: "a".repeat(64), at };
    writeFileSync(file, `${JSON.stringify(testKeyring.sign(head))}\n`);
    return ["--heads", file];
  };
  // All but the first events cut off, and the manifest says that this is all.
  const cut = (copy: string, left = 8) => {
    writeLines(copy, linesIn(copy).slice(0, left));
    if (left === 0) writeFileSync(join(copy, TIMELINE), "");
    const codes = linesIn(copy, "authentication/inc-night000.csv").slice(0, left + 1);
    writeLines(copy, codes, "authentication/inc-night000.csv");
    writeFileSync(join(copy, "statements.jsonl"), "");
    signedAgain(copy, (manifest) => {
      const entry = manifest.timelines.find(({ stream }) => stream === "inc-night000");
      const hash = left === 0 ? "0".repeat(64) : (codes.at(-1)?.split(",")[1] ?? "");
      if (entry) Object.assign(entry, { version: left, hash });
    });
  };

  test("a tail, by a head from before the period's end", () => {
    const { says, status } = harmed("goes-on", cut, kept("inc-night000", 9, "2016-12-31T23:59:59.999Z"));
    expect(says).toMatch(/^tail-cut: .*night000.jsonl: .* ends at event 8, and a head signed at 2016-12-31/m);
    expect(says).toContain("1 problems");
    expect(status).toBe(1);
    // One from after it may be of an event that came later.
    expect(harmed("goes-on-later", cut, kept("inc-night000", 9, "2017-01-01T00:00:00.000Z")).status).toBe(0);
  });

  test("a timeline that was emptied", () => {
    const { says } = harmed("empty", (copy) => cut(copy, 0), kept("inc-night000", 9, "2016-12-01T00:00:00.000Z"));
    expect(says).toContain(`events-missing: ${TIMELINE}: the manifest names no event of it`);
    expect(says).toMatch(/^tail-cut: .*night000.jsonl: .* ends at event 0, and a head/m);
  });

  test("a timeline that is among the files only", () => {
    const { says, status } = harmed("unnamed", (copy) =>
      signedAgain(copy, (manifest) => {
        manifest.timelines = manifest.timelines.filter(({ stream }) => stream !== "inc-night000");
      }),
    );
    expect(says).toContain(`timeline-unnamed: ${TIMELINE}`);
    expect(status).toBe(1);
  });

  test("a timeline that is there twice, whole and as someone wants it", () => {
    const { says } = harmed("twice", (copy) => {
      cpSync(join(copy, TIMELINE), join(copy, "timelines/inc-night.jsonl"));
      signedAgain(copy, (manifest) => {
        const entry = manifest.timelines.find(({ stream }) => stream === "inc-night000");
        const file = manifest.files.find(({ path }) => path === TIMELINE);
        if (entry) manifest.timelines.push({ ...entry, file: "timelines/inc-night.jsonl" });
        if (file) manifest.files.push({ ...file, path: "timelines/inc-night.jsonl" }, { ...file });
      });
    });
    expect(says).toContain("timeline-twice: manifest.json: it names the timeline inc-night000 twice");
    expect(says).toContain(`file-twice: manifest.json: it lists the file ${TIMELINE} twice`);
  });

  test("a timeline in a file of another, or in none that is listed", () => {
    const { says } = harmed("shared", (copy) =>
      signedAgain(copy, (manifest) => {
        for (const entry of manifest.timelines) if (entry.stream === "inc-drill000") entry.file = TIMELINE;
        manifest.files = manifest.files.filter(({ path }) => path !== TIMELINE);
      }),
    );
    expect(says).toContain(`timeline-twice: manifest.json: it names two timelines in ${TIMELINE}`);
    expect(says).toContain(`timeline-unlisted: manifest.json: ${TIMELINE}, the timeline inc-night000`);
  });

  test("a timeline outside the pack is never read, nor one that is a pipe", () => {
    const leads = (file: string) => (copy: string) =>
      signedAgain(copy, (manifest) => Object.assign(manifest.timelines[0] ?? {}, { file }));
    for (const [n, file] of ["../pack/timelines/inc-night000.jsonl", "/dev/zero", "timelines\\..\\x"].entries())
      expect(harmed(`outside-${n}`, leads(file))).toMatchObject({
        says: expect.stringContaining("names a file outside the pack"),
        status: 2,
      });
    const { says, status } = harmed("pipe", (copy) => {
      for (const path of [TIMELINE, "statements.jsonl", "manifest.sig", "authentication/inc-drill000.csv"]) {
        rmSync(join(copy, path));
        execFileSync("mkfifo", [join(copy, path)]);
      }
    });
    expect(says).toContain(`file-changed: ${TIMELINE}: it is no plain file`);
    expect(says).toContain("manifest-unsigned");
    expect(status).toBe(1);
  });

  test("a whole timeline, by a head of the period", () => {
    const head = (at: string) => verified(pack, "--key", publicKey ?? "", ...kept("inc-gone0000", 4, at));
    expect(head("2016-06-01T00:00:00.000Z").says).toMatch(
      /^timeline-missing: inc-gone0000: a head signed at 2016-06-01.* names event 4 of it, in the period/m,
    );
    // It may be of an event from before, and is named all the same.
    const early = head("2016-01-01T00:04:00.000Z");
    expect(early.says).toContain("Not in the pack: inc-gone0000.");
    expect(early.status).toBe(0);
    for (const at of ["2015-12-31T00:00:00.000Z", "2017-01-01T00:00:00.000Z"])
      expect(head(at).says).not.toContain("inc-gone0000");
  });
});

test("who was erased is named by the manifest alone, and the timelines stay as they were", async () => {
  const before = await exported("before-erasure");
  await asSuperuser(url, "select 1");
  const { default: pg } = await import("pg");
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  await forget(owner, ["bo", "Bo"], "Asked for, and agreed with counsel").finally(() => owner.end());
  const after = await exported("after-erasure");
  const manifest = JSON.parse(readFileSync(join(after, "manifest.json"), "utf8"));
  expect(manifest.erased.length).toBeGreaterThan(0);
  expect(manifest.erased[0]).toMatchObject({ because: "Asked for, and agreed with counsel" });
  expect(linesIn(after)).toEqual(linesIn(before));
  expect(readFileSync(join(after, "approvals.csv"), "utf8")).not.toContain("Bo");
  expect(verified(after, "--key", publicKey ?? "")).toMatchObject({ status: 0 });
});

function filesOf(where: string): readonly string[] {
  return readdirSync(where, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(where.length + 1))
    .sort();
}

/** As someone would who knows the format: everything from an event on with hashes that fit. */
function rewritten(lines: readonly string[], from: number): readonly string[] {
  let hash = "";
  return lines.map((line, at) => {
    let text = line;
    if (at === from - 1) text = text.replace(/"key":"/, '"key":"forged-');
    if (at > from - 1) text = text.replace(/"previousHash":"[0-9a-f]{64}"/, `"previousHash":"${hash}"`);
    hash = createHash("sha256").update(text).digest("hex");
    return text;
  });
}

/** The manifest as someone would make it fit who can't sign it. */
function remade(copy: string, gone: readonly string[]): void {
  const place = join(copy, "manifest.json");
  const manifest = JSON.parse(readFileSync(place, "utf8"));
  manifest.files = manifest.files
    .filter(({ path }: { path: string }) => !gone.includes(path))
    .map((file: { path: string }) => {
      const bytes = readFileSync(join(copy, file.path));
      return { ...file, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
    });
  for (const timeline of manifest.timelines) {
    const lines = linesIn(copy, timeline.file);
    timeline.version = lines.length;
    timeline.hash = createHash("sha256")
      .update(lines.at(-1) ?? "")
      .digest("hex");
  }
  writeFileSync(place, `${JSON.stringify(manifest, null, 2)}\n`);
}

interface Manifest {
  files: { path: string; bytes: number; sha256: string }[];
  timelines: { stream: string; file: string; version: number; hash: string }[];
}

/** The manifest as the operator would make it fit, who can sign it. */
function signedAgain(copy: string, change: (manifest: Manifest) => void): void {
  const place = join(copy, "manifest.json");
  const manifest = JSON.parse(readFileSync(place, "utf8")) as Manifest;
  for (const file of manifest.files) {
    const bytes = readFileSync(join(copy, file.path));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    Object.assign(file, { bytes: bytes.length, sha256 });
  }
  change(manifest);
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  writeFileSync(place, text);
  const statement = { statement: "lifeboat/pack/1", manifest: createHash("sha256").update(text).digest("hex") };
  writeFileSync(join(copy, "manifest.sig"), `${JSON.stringify(testKeyring.sign(statement))}\n`);
}
