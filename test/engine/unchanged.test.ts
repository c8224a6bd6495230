import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { ReadContext } from "../../src/actions/contract.ts";
import type { ActionStep, Undone } from "../../src/catalog/types.ts";
import { stillUnchanged } from "../../src/engine/unchanged.ts";
import type { StepState } from "../../src/incident/state.ts";
import { away, folder, ledgerStep, planOf } from "../support/engine-harness.ts";
import { actions, behave } from "../support/ledger-actions.ts";
import { quiet } from "../support/postgres.ts";

let dir: string;
beforeEach(async () => {
  dir = await folder();
});
afterEach(() => away(dir));

const around = () => ({
  actions,
  log: quiet,
  practice: true,
  secret: () => "",
  drillLimits: () => null,
  observeSeconds: 5,
});

/** The plan that takes back a `put` of fence. */
function look(more: Partial<Undone> = {}) {
  const put = ledgerStep(dir, "put", "fence") as ActionStep;
  const undoes = {
    run: "run-1",
    step: "fence",
    action: put.action,
    input: put.input,
    before: null,
    verified: true,
    ...more,
  };
  const undo = ledgerStep(dir, "guard", "undo") as ActionStep;
  return stillUnchanged(planOf([[undo]], { undoes }), undo, around(), null);
}

test("what was done and stands may be taken back", async () => {
  writeFileSync(join(dir, "fence"), "there");
  expect(await look()).toMatchObject({ ok: true, level: "block" });
});

test("what a step did by the word of one before it is judged by what that one had found, in the run it was", async () => {
  const put = ledgerStep(dir, "put", "fence") as ActionStep;
  const known = actions.get(put.action);
  if (known === undefined) throw new Error("There is no put.");
  const remembering = {
    ...known,
    observe: async (ctx: ReadContext) => ctx.evidenceOf("stop")?.says ?? null,
    done: (seen: unknown) => (seen === "three ran" ? ("yes" as const) : ("no" as const)),
  };
  const undo = ledgerStep(dir, "guard", "undo") as ActionStep;
  const undoes = { run: "run-1", step: "fence", action: put.action, input: put.input, before: null, verified: true };
  const plan = planOf([[undo]], { undoes });
  const stop = { status: "done", says: "three ran", facts: [], rpo: null } as unknown as StepState;
  const here = { ...around(), actions: new Map([...actions, [put.action, remembering as typeof known]]) };
  expect(await stillUnchanged(plan, undo, here, { steps: new Map([["stop", stop]]) })).toMatchObject({ ok: true });
  expect(await stillUnchanged(plan, undo, here, null)).toMatchObject({ ok: false, level: "block" });
});

test("what someone changed since is not taken back: the run is blocked", async () => {
  writeFileSync(join(dir, "fence"), "there");
  rmSync(join(dir, "fence"));
  expect(await look()).toMatchObject({
    ok: false,
    level: "block",
    says: expect.stringContaining("It changed since the step"),
  });
});

test("what can't be told is shown to those who decide", async () => {
  behave(dir, "fence", "unclear");
  expect(await look()).toMatchObject({ ok: false, level: "warn" });
});

test("what no one saw the end of is left to the call that takes it back, and to its own look", async () => {
  expect(await look({ verified: false })).toBeNull();
});

test("an action this version does not know blocks it, with the reason", async () => {
  expect(await look({ action: "folder.gone" })).toMatchObject({
    ok: false,
    level: "block",
    says: expect.stringContaining("folder.gone"),
  });
});
