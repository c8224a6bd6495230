import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parseSync } from "@swc/core";
import fc from "fast-check";
import type { RunState } from "../../../src/incident/state.ts";
import type { Problem } from "../../../src/lib/errors.ts";
import { projectRoot } from "../../../src/lib/root.ts";
import { BRIEF_WORDS, briefLines, briefOf, wordsIn } from "../../../templates/messages/kit/brief.ts";
import { refusal } from "../../../templates/messages/kit/refusal.ts";
import { renderIncident } from "../../../templates/messages/render.ts";
import { detailLines } from "../../../templates/messages/run/details.ts";
import * as scenarios from "../../support/incident-states.ts";
import { around } from "../../support/surroundings.ts";

/** "About fifty": the labels of the lines, a cause that is never cut below what names it, and one line that says what is allowed. */
const MOST = BRIEF_WORDS + 15;

/** Where problems are made that people read: actions, the engine, refusals. */
const PLACES = [
  "src/actions",
  "src/engine",
  "src/incident",
  "src/mfa",
  "src/catalog",
  "commands",
  "templates/messages",
];

/** As a value of a sentence: "orders-b on 10.0.0.5". */
const VALUE = "orders-b";

interface Found {
  readonly at: string;
  readonly problem: Problem;
}

/** Every problem that is written down in the sources, with a value in place of what is put in. */
function problems(): readonly Found[] {
  const root = projectRoot();
  return PLACES.flatMap((place) =>
    readdirSync(join(root, place), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) =>
        problemsIn(join(root, place, file)).map((problem) => ({ at: relative(root, join(place, file)), problem })),
      ),
  );
}

type Node = { readonly type?: string } & Readonly<Record<string, unknown>>;

function problemsIn(path: string): readonly Problem[] {
  const found: Problem[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      for (const one of node) visit(one);
      return;
    }
    if (typeof node !== "object" || node === null) return;
    const { type, properties } = node as Node;
    if (type === "ObjectExpression") {
      const given = Object.fromEntries(fieldsOf(properties as readonly Node[]));
      if (given.what !== undefined) found.push({ code: "unsaid", ...given } as unknown as Problem);
    }
    for (const value of Object.values(node)) visit(value);
  };
  visit(parseSync(readFileSync(path, "utf8"), { syntax: "typescript", target: "es2022" }));
  return found;
}

const PARTS: readonly string[] = ["code", "where", "what", "allowed", "stateNow", "next"] satisfies (keyof Problem)[];

/** Fields of a problem, those of an object that is spread into it among them. */
function fieldsOf(properties: readonly Node[]): readonly (readonly [string, string])[] {
  return properties.flatMap((one): readonly (readonly [string, string])[] => {
    if (one.type === "SpreadElement") {
      const spread = one.arguments as Node;
      return spread.type === "ObjectExpression" ? fieldsOf(spread.properties as readonly Node[]) : [];
    }
    const name = one.type === "Identifier" ? one.value : (one.key as Node | undefined)?.value;
    if (typeof name !== "string" || !PARTS.includes(name)) return [];
    return [[name, textOf(one.value as Node)]];
  });
}

function textOf(node: Node): string {
  switch (node.type) {
    case "StringLiteral":
      return String(node.value);
    case "TemplateLiteral":
      return (node.quasis as readonly { cooked: string }[]).map(({ cooked }) => cooked).join(VALUE);
    case "ParenthesisExpression":
      return textOf(node.expression as Node);
    case "ConditionalExpression": {
      const both = [textOf(node.consequent as Node), textOf(node.alternate as Node)];
      return wordsIn(both[0] as string) > wordsIn(both[1] as string) ? (both[0] as string) : (both[1] as string);
    }
    default:
      return VALUE;
  }
}

const found = problems();

describe("what went wrong is said in three lines of about fifty words", () => {
  test("every failure of an action and every refusal: none has to be cut", () => {
    expect(found.length).toBeGreaterThan(400);
    const long = found.flatMap(({ at, problem }) => {
      const brief = briefOf(problem, "❌ Promote the standby failed:");
      const lines = briefLines("❌ *Promote the standby failed:*", brief);
      const [what, stateNow, next] = [problem.what, problem.stateNow ?? "", problem.next ?? ""].map(oneLine);
      const whole = brief.cause === what && (brief.stateNow ?? "") === stateNow && (brief.next ?? "") === next;
      const fits = lines.length <= 3 && wordsIn(lines.join(" ")) <= MOST && whole;
      return fits ? [] : [{ at, ...problem, lines }];
    });
    expect(long).toEqual([]);
  });

  test("every refusal as it is shown", () => {
    const long = found.flatMap(({ at, problem }) => {
      const lines = shownIn(problem);
      const cuts = (text: string) => text.split("…").length;
      return lines.length <= 3 &&
        wordsIn(lines.join(" ")) <= MOST &&
        cuts(lines.join(" ")) === cuts(Object.values(problem).join(" "))
        ? []
        : [{ at, code: problem.code, lines }];
    });
    expect(long).toEqual([]);
  });

  test("the next command is whole, however much is said before it", () => {
    const command = "`/dr undo fence run-x7k2m9qp --unplanned`";
    const why = "Accept that a server does not answer, and that two may take writes when it comes back";
    for (const next of [`${why}: ${command}`, `${why}: ${command}. ${why}.`, command, `${command} ${why}. ${why}.`]) {
      const brief = briefOf({ what: "It failed", next });
      expect(brief.next).toContain(command);
      expect(wordsIn(brief.next ?? "")).toBeLessThanOrEqual(20);
    }
    const many = `Look at it first, then type one of these, whichever fits what you saw there: ${command} or ${command}`;
    expect((briefOf({ what: "It failed", next: many }).next ?? "").split("`")).toHaveLength(3);
  });

  test("whatever a target or a program says", () => {
    const text = fc.oneof(
      fc.string({ maxLength: 3000 }),
      fc.lorem({ maxCount: 200 }),
      fc.lorem({ maxCount: 30, mode: "sentences" }),
    );
    const problem = fc.record(
      { what: text, stateNow: text, next: text, allowed: text, where: fc.lorem({ maxCount: 4 }) },
      { requiredKeys: ["what"] },
    );
    fc.assert(
      fc.property(problem, (given) => {
        for (const lines of [
          briefLines("❌ *A step failed:*", briefOf(given, "❌ A step failed:")),
          shownIn({ code: "x", ...given }),
        ]) {
          expect(lines.length).toBeLessThanOrEqual(3);
          expect(wordsIn(lines.join(" "))).toBeLessThanOrEqual(MOST);
        }
      }),
    );
  });

  test("in a thread: a failed step, a failed script, a failed preflight, a run that ended or can't go on", () => {
    const stories = [
      scenarios.failed,
      scenarios.aborted,
      scenarios.plannedButDead,
      scenarios.onlyPlannedAndDead,
      scenarios.stuckAndPaused,
    ];
    const output = Array.from(
      { length: 40 },
      (_, n) => `/var/lib/lifeboat/scripts/switch.sh: line ${n}: no route`,
    ).join(" | ");
    const script = () =>
      scenarios
        .approved()
        .engine({ type: "step.started", data: { step: "promote", attempt: 1, epoch: "1" } })
        .after(3)
        .engine({
          type: "step.failed",
          data: {
            ...{ step: "promote", attempt: 1, retryable: false, seconds: 3 },
            problem: {
              code: "script-failed",
              where: "switch",
              what: `The script ended with exit code 3. It last said: ${output}`,
              stateNow: "What it had done until then stands",
            },
          },
        });
    const failed = script().state.runs.get("run-4hx8w2pd") as RunState;
    expect(detailLines(script().state, failed, "promote", ["02:51 the bot: it failed"]).join("\n")).toMatch(
      /\*Cause:\* The script ended .*exit code 3\. It last said: .*line 0[\s\S]*\n> [\s\S]*line 39: no route[\s\S]*it failed/,
    );
    let failures = 0;
    for (const tell of [...stories, script]) {
      const story = tell();
      for (const { key, message } of renderIncident(story.state, around(story)).messages) {
        const details = JSON.stringify(message.blocks).includes('"run.details');
        if (!details) continue;
        failures++;
        const said = message.blocks.filter(({ type }) => type === "section") as unknown as readonly {
          text: { text: string };
        }[];
        const lines = said.flatMap(({ text }) => text.text.split("\n")).filter((line) => !line.includes("NOT FENCED"));
        expect({ key, lines: lines.length, most: 3 }).toEqual({ key, lines: Math.min(3, lines.length), most: 3 });
        expect(wordsIn(lines.join(" "))).toBeLessThanOrEqual(MOST);
        expect(JSON.stringify(message)).not.toContain("/var/lib");
      }
    }
    expect(failures).toBeGreaterThan(5);
  });
});

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}

function shownIn(problem: Problem): readonly string[] {
  const [block] = refusal(problem).blocks as unknown as readonly [{ text: { text: string } }];
  return block.text.text.split("\n");
}
