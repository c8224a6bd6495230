import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { actions, cards } from "../../src/actions/index.ts";
import { loadersOf } from "../../src/actions/load.ts";
import { memberKinds } from "../../src/actions/members.ts";
import { dryRun } from "../../src/actions/wrap/dry-run.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { actionHarness } from "../support/action-harness.ts";

/** Stands for any input, for sentences that name a part of it. */
const anything: unknown = new Proxy(() => {}, {
  get: (_, key) => (key === Symbol.toPrimitive ? () => "it" : key === Symbol.iterator ? () => [].values() : anything),
  apply: () => anything,
});

describe("the list of actions", () => {
  test("a read changes nothing and holds nothing; everything else can be applied", () => {
    for (const action of actions.values()) {
      expect([action.id, action.apply === undefined]).toEqual([action.id, action.risk === "read"]);
      expect(action.budget.typicalSeconds).toBeLessThanOrEqual(action.budget.warnSeconds);
      expect(action.budget.warnSeconds).toBeLessThanOrEqual(action.budget.failSeconds);
      expect(action.summary).not.toMatch(/\.$/);
    }
  });

  test("what changes something says what it does to the service and to who writes", () => {
    for (const { id, risk, service, opens, promotes, endsFence, fences } of actions.values()) {
      expect([id, service !== undefined]).toEqual([id, risk !== "read"]);
      if (risk === "read") expect([id, opens, promotes, endsFence, fences]).toEqual([id, ...Array(4).fill(undefined)]);
      if (promotes) expect([id, opens?.({}), endsFence, service]).toEqual([id, true, true, "interrupts"]);
    }
    expect(cards.get("kubernetes.scale")?.service?.({ replicas: 0 })).toBe("interrupts");
    expect(cards.get("kubernetes.scale")?.service?.({ counts: { "deployment/api": 3 } })).toBe("restores");
    expect(cards.get("rds.set_read_only")?.opens?.({ readOnly: false })).toBe(true);
  });

  test("what leads users from one place to another says so", () => {
    expect([...cards.values()].flatMap(({ id, leads }) => (leads ? [id] : [])).sort()).toEqual([
      ...["arc.set_routing", "haproxy.set_server", "kubernetes.switch_service", "pgbouncer.repoint"],
      ...["route53.healthcheck_override", "route53.shift", "traefik.switch"],
    ]);
  });

  test("an undo after which newer things aren't there any more says which", () => {
    const bucket = (name: string) => ({ bucket: name, account: "123456789012", region: "us-east-1" });
    const undone = (id: string, before: unknown, input: unknown) =>
      cards.get(id)?.undo(before, input, { calls: [], acceptUnreachable: false });
    expect(undone("s3.switch_active", null, { from: bucket("old"), to: bucket("new") })).toMatchObject({
      givesUp: "what was stored in new (us-east-1) since, until it is copied to old (us-east-1)",
    });
    const search = { cluster: { name: "west" }, alias: "models" };
    expect(undone("search.swap_alias", { answers: true, carriers: ["models-1"] }, search)).toMatchObject({
      givesUp: "what was indexed by way of models since, until it is indexed again",
    });
  });

  test("the fence that was lifted from a standby isn't set again: none would be seen to hold there", () => {
    const card = cards.get("postgres.unfence");
    const undone = (role: string) => {
      const before = { node: { answers: true, role, readOnly: true, standby: {} }, others: [] };
      return card?.undo(before, { node: { name: "east" } }, { calls: [], acceptUnreachable: false });
    };
    expect([undone("standby")?.kind, undone("primary")]).toMatchObject(["nothing", { action: "postgres.fence" }]);
  });

  test("what nothing takes back is irreversible, and nothing else, but for what only its runbook knows", () => {
    for (const { id, risk, arbitrary, wayBack } of cards.values()) {
      if (risk === "read" || arbitrary) continue;
      // What only one of its options destroys is not what it is for.
      const plain = { node: "a", cluster: {} };
      const never = [anything, ...(id === "kubernetes.drain" ? [plain] : [])].every(
        (given) => wayBack(given).kind === "never",
      );
      expect([id, never]).toEqual([id, risk === "irreversible"]);
    }
  });

  /** Everything else asks what an action says of itself (`service`, `fences`, `opens` …), so that a new one is not forgotten. */
  test("nothing outside knows an action by its name, but for a reason", () => {
    const known: Readonly<Record<string, string>> = {
      "src/catalog/plan.ts": "the planner puts roles.check before the first change by itself",
      "src/catalog/conformance.ts": "a plan has to hold that roles.check; and plans of 0.1 do not say what fences",
      "src/permissions/collect.ts": "the planner puts roles.check into every plan, so its reads need permissions, too",
      "src/incident/decide/steps.ts": "that roles.check is never skipped",
      "src/catalog/rules/script-observed.ts": "judges the input of script.run, which no other action has",
      "src/catalog/drill.ts": "what script.run holds is a name that a runbook gives, and no identity",
      "src/incident/fences.ts": "plans of 0.1 do not say what fences",
      "src/incident/service.ts": "plans of 0.1 do not say what interrupts",
      "src/engine/preflight.ts": "compares with what an action named itself (madeSoBy)",
      "src/catalog/walk.ts": "the parts of a name",
      "src/readiness/beside.ts":
        "makes steps of its own, which stand in no runbook: looks at the other side and for what runbooks leave out",
      "src/report/suggest.ts":
        "suggests lines of a post-mortem and decides nothing; no action says that it rebuilds a standby",
    };
    const ids = [...actions.keys()].map((id) => id.replaceAll(".", "\\."));
    const named = new RegExp(`["'\`](?:${ids.join("|")})["'\`]`);
    const judged =
      /(?:\.test|RegExp\(|\.match)\([^)]*\b(?:action|verbOf)\b|\baction\)?\.(?:startsWith|endsWith|includes|replace|match)\(|verbOf\([^)]*\) ?[=!]==|\.includes\(action\)/;
    const files = ["src", "commands", "templates/messages"].flatMap((folder) =>
      readdirSync(join(projectRoot(), folder), { recursive: true, encoding: "utf8" })
        .map((name) => `${folder}/${name}`)
        .filter((name) => name.endsWith(".ts") && !name.startsWith("src/actions/")),
    );
    const knowing = files.filter((name) => {
      const text = readFileSync(join(projectRoot(), name), "utf8").replace(/^\s*(?:\/?\*|\/\/).*$/gm, "");
      return named.test(text) || judged.test(text);
    });
    expect(knowing.toSorted()).toEqual(Object.keys(known).toSorted());
  });

  /** Their ids are on old timelines, so they stay; without `madeSoBy` such a check refuses the run before its step came. */
  test("a check that asks for what an earlier step has shown says which step can make it so", () => {
    const folder = join(projectRoot(), "src/actions");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    const functions = files.flatMap((name) =>
      readFileSync(join(folder, name), "utf8").split(/\n(?=(?:export )?function )/),
    );
    const asking = functions.filter((text) => /["`]evidence\.[a-zA-Z$]/.test(text));
    expect(asking.length).toBeGreaterThan(10);
    expect(asking.filter((text) => !text.includes("madeSoBy"))).toEqual([]);
  });

  /** An import inside a look's deadline takes seconds of it on a busy machine, and a server that answers counts as silent. */
  test("what the files of an action or of a kind of member load is loaded before their deadlines begin", () => {
    const folder = join(projectRoot(), "src/actions");
    const texts = new Map(
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts"))
        .map((name) => [name, readFileSync(join(folder, name), "utf8")]),
    );
    const reached = (file: string, seen = new Set<string>()): ReadonlySet<string> => {
      if (seen.has(file) || file === "load.ts") return seen;
      seen.add(file);
      for (const [, to = ""] of (texts.get(file) ?? "").matchAll(
        /^(?:import|export) (?!type )[^;]*? from "(\.[^"]+)"/gm,
      ))
        reached(join(dirname(file), to), seen);
      return seen;
    };
    const loaders = (file: string) =>
      [...reached(file)].flatMap((name) =>
        [...(texts.get(name) ?? "").matchAll(/export const (load\w+) = \(\) => import/g)].map(([, loader]) => loader),
      );
    const lacking = (id: string, file: string) => {
      const known = loadersOf(id).map(({ name }) => name);
      return loaders(file)
        .filter((loader) => !known.includes(String(loader)))
        .map((loader) => `${id}: ${loader}`);
    };
    const kinds = [...texts.keys()].filter((name) => name.endsWith("/member.ts"));
    const idOf = (file: string) => /kind: "([^"]+)"/.exec(texts.get(file) ?? "")?.[1] ?? "";
    expect(kinds.map(idOf).sort()).toEqual([...memberKinds.keys()].sort());
    expect(kinds.flatMap((file) => lacking(idOf(file), file))).toEqual([]);
    const defined = [...texts].flatMap(([file, text]) =>
      [...text.matchAll(/^ {2}id: "([a-z0-9]+\.[a-z_0-9]+)",$/gm)].map(([, id = ""]) => [id, file] as const),
    );
    expect(defined.length).toBeGreaterThan(60);
    // Which kinds these look at is in their input: loaded by `lookAtMembers`.
    const known = defined.filter(([id]) => !id.startsWith("roles."));
    expect(known.flatMap(([id, file]) => lacking(id, file))).toEqual([]);
  });

  test("a card names the place of what is wrong with an input", () => {
    const card = cards.get("postgres.promote");
    const node = { name: "a", host: "127.0.0.1", port: 1, user: "admin", passwordFrom: "X" };
    expect(card?.checkInput({ from: node, to: { ...node, port: "5432" }, fenceStep: "fence" })).toMatchObject({
      ok: false,
      errors: [{ path: ["to", "port"] }],
    });
    expect(card?.checkInput({ from: node, to: node, fenceStep: "fence", force: true })).toMatchObject({ ok: false });
    const good = card?.checkInput({ from: node, to: { ...node, port: 2 }, fenceStep: "fence" });
    expect(good).toMatchObject({ ok: true, input: { allowDataLoss: false, from: { database: "postgres" } } });
    expect(card?.resources(good?.ok ? good.input : null)).toEqual(["postgres:127.0.0.1:1", "postgres:127.0.0.1:2"]);
  });

  test("a dry run of anything has nothing to apply and holds nothing", async () => {
    for (const action of actions.values()) expect(dryRun(action).apply).toBeUndefined();
    const dry = dryRun(actionHarness({}).action("postgres.fence"));
    const { context } = actionHarness({ P: "x" });
    const node = { name: "gone", host: "127.0.0.1", port: 1, user: "admin", passwordFrom: "P" };
    const input = dry.input.parse({ node, app: { user: "app", passwordFrom: "P" } });
    const evidence = await dry.verify(
      { ...context, budget: dry.budget, progress: () => {}, launched: async () => {} },
      input,
      null,
      null,
    );
    expect(evidence.says).toBe("Dry run: postgres.fence would do it. Nothing was changed.");
    expect(dry.resources(input)).toEqual([]);
  });
});
