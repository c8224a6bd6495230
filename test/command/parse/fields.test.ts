import { describe, expect, test } from "@jest/globals";
import { checkForm } from "../../../commands/index.ts";
import type { Input, Runbook } from "../../../src/catalog/types.ts";
import type { CommandContext } from "../../../src/command/context.ts";
import { blanks, pastMoment, sixDigits } from "../../../src/command/parse/fields.ts";
import { inputErrors } from "../../../src/command/parse/inputs.ts";
import { momentIn } from "../../../src/command/parse/moment.ts";
import { inputsForm } from "../../../templates/messages/run/inputs.ts";

const now = new Date("2026-11-21T03:00:00Z");
const picked = (iso: string) => String(Date.parse(iso) / 1000);

describe("what is said of a form before it closes", () => {
  test.each([
    [{}, {}],
    [{ at: "" }, {}],
    [{ at: picked("2026-11-21T02:41:00Z") }, {}],
    [{ at: picked("2026-11-21T03:00:00Z") }, {}],
    [{ at: picked("2026-11-21T03:01:00Z") }, { at: expect.stringContaining("in the future") }],
    [{ at: "02:41" }, {}],
    [{ at: "half past two" }, { at: expect.stringContaining(`"half past two" isn't a time`) }],
  ])("a moment that has passed: %j", (form, errors) => {
    expect(pastMoment(form, "at", now)).toEqual(errors);
  });

  test.each([
    ["123456", true],
    ["123 456", true],
    [" 123456 ", true],
    ["12345", false],
    ["1234567", false],
    ["abcdef", false],
    ["", false],
  ])("a code: %j", (code, right) => {
    expect(sixDigits({ code, text: "words" }, ["code", "current"])).toEqual(
      right ? {} : { code: expect.stringContaining("six digits") },
    );
  });

  test("blanks and characters no one sees are no answer", () => {
    const form = { title: " \u200b\n", reason: "x", note: "" };
    expect(blanks(form, ["title", "reason", "gone"])).toEqual({ title: "Fill this in.", gone: "Fill this in." });
  });

  test("each form by the command that takes it up", () => {
    const app = { timeline: { now: () => now } } as unknown as CommandContext;
    const tomorrow = picked("2026-11-22T03:00:00Z");
    const said = (verb: string, form: Record<string, string>, required: string[] = []) =>
      Object.keys(checkForm(app, { verb, actionValue: "", form }, required));
    expect(said("note", { text: "x", at: tomorrow }, ["text"])).toEqual(["at"]);
    expect(said("declare", { title: " ", impact: tomorrow }, ["title"])).toEqual(["title", "impact"]);
    expect(said("enroll", { code: "no", current: "123456" }, ["code"])).toEqual(["code"]);
    expect(said("gate.approve", { code: "12" }, ["code"])).toEqual(["code"]);
    expect(said("run.abort", { reason: "It is the wrong one" }, ["reason"])).toEqual([]);
  });
});

describe("the form of what a runbook has to be told", () => {
  const input = (name: string, type: Input["type"], more: Partial<Input> = {}): Input => ({
    ...{
      name,
      type,
      description: name,
      default: null,
      example: null,
      pattern: null,
      min: null,
      max: null,
      choices: [],
    },
    ...more,
  });
  const runbook = {
    title: "Restore",
    inputs: [input("to", "moment"), input("node", "text", { pattern: "[a-z-]+", example: "worker" })],
  } as unknown as Runbook;

  test("says what is wrong at its field", () => {
    const form = { "input.to": picked("2026-11-22T03:00:00Z"), "seconds.to": "", "input.node": "Worker 3" };
    expect(inputErrors(runbook, form, now)).toEqual({
      "input.to": expect.stringContaining("2026-11-22T03:00:00Z"),
      "input.node": expect.stringContaining("does not fit"),
    });
    expect(inputErrors(runbook, { "input.to": picked("2026-11-21T02:13:00Z"), "input.node": "" }, now)).toEqual({});
  });

  test("knows a moment to the second, both ways", () => {
    const { blocks } = inputsForm(runbook, new Map([["to", "2026-11-21T02:13:07Z"]]), "runbook restore");
    const initial = Object.fromEntries(
      blocks.flatMap(({ block_id, element }) => {
        const { initial_date_time: at, initial_value: value } = (element ?? {}) as Record<string, unknown>;
        return element === undefined ? [] : [[block_id, at ?? value]];
      }),
    );
    const at = Number(picked("2026-11-21T02:13:07Z"));
    expect(initial).toEqual({ "input.to": at, "seconds.to": "7", "input.node": undefined });
    expect(momentIn(String(at), now)).toEqual(new Date("2026-11-21T02:13:07Z"));
  });
});
