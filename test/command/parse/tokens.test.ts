import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readArgs, readLine } from "../../../commands/index.ts";
import { loadCatalog } from "../../../src/catalog/load.ts";
import { assignedIn } from "../../../src/command/parse/assigned.ts";
import { momentIn } from "../../../src/command/parse/moment.ts";
import { readInputs } from "../../../src/command/parse/read-inputs.ts";
import { channelIn, userIn } from "../../../src/command/parse/tokens.ts";
import { projectRoot } from "../../../src/lib/root.ts";

describe("a line becomes words", () => {
  const lines: [string, ReturnType<typeof readLine>][] = [
    ["", { verb: "", words: [], options: {}, rest: "" }],
    ["  Failover   Database ", { verb: "failover", words: ["Database"], options: {}, rest: "Database" }],
    [
      "failover database --system orders --dry-run",
      { verb: "failover", words: ["database"], options: { system: "orders", "dry-run": true }, rest: "database" },
    ],
    [
      "failover --dry-run database --system=orders",
      { verb: "failover", words: ["database"], options: { system: "orders", "dry-run": true }, rest: "database" },
    ],
    [
      "failover database —planned",
      { verb: "failover", words: ["database"], options: { planned: true }, rest: "database" },
    ],
    [
      "failover “orders database” --system='llm market'",
      { verb: "failover", words: ["orders database"], options: { system: "llm market" }, rest: "“orders database”" },
    ],
    [
      "note --at 02:41 Don't panic, it's the provider",
      {
        verb: "note",
        words: ["Don't", "panic,", "it's", "the", "provider"],
        options: { at: "02:41" },
        rest: "Don't panic, it's the provider",
      },
    ],
    [
      "note He ran it with --force and “hoped”",
      {
        verb: "note",
        words: ["He", "ran", "it", "with", "--force", "and", "hoped"],
        options: {},
        rest: "He ran it with --force and “hoped”",
      },
    ],
    [
      "role assign incident-commander <@U0ANA|ana lind>",
      {
        verb: "role",
        words: ["assign", "incident-commander", "<@U0ANA>"],
        options: {},
        rest: "assign incident-commander @ana lind",
      },
    ],
    [
      "note see <https://a.example/x|a.example/x> &amp; <#C01|ops> &lt;3",
      {
        verb: "note",
        words: ["see", "a.example/x", "&", "<#C01>", "<3"],
        options: {},
        rest: "see https://a.example/x & #ops <3",
      },
    ],
    // A reason needs no quotes: it goes on to the next option, person or input.
    [
      "failover database --again the primary died",
      { verb: "failover", words: ["database"], options: { again: "the primary died" }, rest: "database" },
    ],
    [
      "failover --again it’s gone, isn't it? --unplanned database",
      {
        verb: "failover",
        ...{ words: ["database"], options: { again: "it’s gone, isn't it?", unplanned: true }, rest: "database" },
      },
    ],
    [
      "runbook move --again lost it too from=a",
      { verb: "runbook", words: ["move", "from=a"], options: { again: "lost it too" }, rest: "move from=a" },
    ],
    [
      'failover --again "lost, too" database',
      { verb: "failover", words: ["database"], options: { again: "lost, too" }, rest: "database" },
    ],
    [
      "invite --reason knows the database <@U0ANA|ana lind>",
      { verb: "invite", words: ["<@U0ANA>"], options: { reason: "knows the database" }, rest: "@ana lind" },
    ],
    [
      "failover database --again",
      { verb: "failover", words: ["database"], options: { again: true }, rest: "database" },
    ],
    ["failover --system", { verb: "failover", words: [], options: { system: true }, rest: "" }],
    ["--help", { verb: "", words: [], options: { help: true }, rest: "" }],
    [
      "failover __proto__ --__proto__ x",
      { verb: "failover", words: ["__proto__", "--__proto__", "x"], options: {}, rest: "__proto__ --__proto__ x" },
    ],
  ];
  for (const [line, typed] of lines) test(JSON.stringify(line), () => expect(readLine(line)).toEqual(typed));

  test("whatever is typed is read without throwing, and never becomes an option of its own", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (line) => {
        const { words, rest } = readLine(`note ${line}`);
        for (const word of [...words, rest]) expect(typeof word).toBe("string");
        expect(Object.getPrototypeOf(readLine(line).options)).toBe(Object.prototype);
      }),
    );
  });

  test("a shell's words are taken as they are", () => {
    expect(readArgs(["declare", "Orders are down", "--severity", "P0"])).toEqual({
      ...{ verb: "declare", words: ["Orders are down"], options: { severity: "P0" }, rest: "Orders are down" },
    });
  });
});

describe("references", () => {
  test("name a user or a channel, and nothing else does", () => {
    expect(userIn("<@U0ANA>")).toBe("U0ANA");
    expect(userIn("@ana")).toBeNull();
    expect(channelIn("<#C01>")).toBe("C01");
    expect(channelIn("<!channel>")).toBeNull();
  });
});

describe("what is given by name", () => {
  const cases: Record<string, [words: string[], given: Record<string, string>]> = {
    "restore database to=02:13": [["database"], { to: "02:13" }],
    "restore to=10m ago database": [["database"], { to: "10m ago" }],
    "restore database to=1h 30min ago": [["database"], { to: "1h 30min ago" }],
    "restore database to=2026-11-21 02:13 UTC --dry-run": [["database"], { to: "2026-11-21 02:13 UTC" }],
    'runbook label label="eu west" node=a=b': [["label"], { label: "eu west", node: "a=b" }],
    "runbook label label=“eu west”": [["label"], { label: "eu west" }],
    "runbook drain node=": [["drain"], { node: "" }],
    "runbook drain --severity P1 node=<http://a.example|a.example>": [["drain"], { node: "a.example" }],
  };
  for (const [line, [words, given]] of Object.entries(cases))
    test(line, () => {
      const read = assignedIn(readLine(line).words);
      expect([read.words, Object.fromEntries(read.given)]).toEqual([words, given]);
    });

  test("a shell has split the words already, and keeps the blanks inside one", () => {
    const read = assignedIn(readArgs(["restore", "database", "to=10m ago", "--dry-run", "node=worker-3"]).words);
    expect([read.words, [...read.given]]).toEqual([
      ["database"],
      [
        ["to", "10m ago"],
        ["node", "worker-3"],
      ],
    ]);
  });

  test("in prose only what the runbook asks for is taken out", () => {
    const { words, given } = assignedIn(["To=02:11", "Lag", "was=5s"], ["to"]);
    expect([words, [...given]]).toEqual([["Lag", "was=5s"], [["to", "02:11"]]]);
  });

  test("a moment is absolute from then on, and one that has not come is refused", () => {
    const [runbook] = loadCatalog(join(projectRoot(), "templates/systems/sav3")).catalog.runbooks.filter(
      ({ id }) => id === "db-restore-moment",
    );
    if (runbook === undefined) throw new Error("There is no db-restore-moment.");
    const now = new Date("2026-11-21T02:50:00Z");
    const said = (to: string) => readInputs(runbook, new Map([["to", to]]), new Map(), now);
    expect(said("10m ago")).toMatchObject({
      values: new Map([
        ["to", "2026-11-21T02:40:00Z"],
        ["backup", "newest"],
      ]),
      written: new Map([["to", "2026-11-21T02:40:00Z"]]),
      problems: [],
    });
    expect(said("02:13:07.5")).toMatchObject({ problems: [{ what: `"02:13:07.5" isn't a time` }] });
    expect(said("2026-11-21T02:13:07.5Z").values.get("to")).toBe("2026-11-21T02:13:07.500Z");
    expect(said("2026-11-22 02:13")).toMatchObject({
      problems: [{ what: "2026-11-22T02:13:00Z is in the future; it's 2026-11-21T02:50:00Z now" }],
      wrong: new Map([["to", "2026-11-22 02:13"]]),
    });
  });
});

describe("a moment", () => {
  const now = new Date("2026-11-21T02:50:00Z");
  const moments: Record<string, string> = {
    "02:41": "2026-11-21T02:41:00.000Z",
    "02:41:30": "2026-11-21T02:41:30.000Z",
    "23:59": "2026-11-20T23:59:00.000Z",
    "2:41 UTC": "2026-11-21T02:41:00.000Z",
    "2026-11-20 22:00": "2026-11-20T22:00:00.000Z",
    "10m ago": "2026-11-21T02:40:00.000Z",
    "1h 30min ago": "2026-11-21T01:20:00.000Z",
    "2026-11-20T22:00:00+02:00": "2026-11-20T20:00:00.000Z",
  };
  for (const [words, moment] of Object.entries(moments))
    test(words, () => expect(momentIn(words, now).toISOString()).toBe(moment));

  for (const words of ["", "soon", "25:00", "02:61", "2026-13-01 00:00", "2026-02-30 00:00", "10 ago", "1"])
    test(`"${words}" is none, and says what would be`, () =>
      expect(() => momentIn(words, now)).toThrow(/Write a time in UTC/));
});
