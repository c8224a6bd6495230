import type { Runbook } from "../src/catalog/types.ts";
import type { Command, Reply, Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { AGAIN } from "../src/command/execute/second-move.ts";
import { startRun } from "../src/command/execute/start-run.ts";
import { assignedIn } from "../src/command/parse/assigned.ts";
import { grammarOf } from "../src/command/parse/grammar.ts";
import { gatherInputs, inputErrors, keptFrom, needsInputs } from "../src/command/parse/inputs.ts";
import { START_OPTIONS } from "../src/command/parse/start-options.ts";
import { parse, type Typed } from "../src/command/parse/tokens.ts";
import { lineFor } from "../src/command/reply/line.ts";
import { nearLine } from "../src/command/reply/near-line.ts";
import { say, stop } from "../src/command/reply/say.ts";
import { findRun } from "../src/command/resolve/run.ts";
import { runbooksHere, runbooksNamed } from "../src/command/resolve/runbook.ts";
import { reasonForm } from "../templates/messages/kit/form.ts";
import { MOVED_SAYS, runbookList, typeReason } from "../templates/messages/run/answers.ts";
import { runbookChanged, severalRunbooks, unknownRunbook } from "../templates/messages/run/command-refusals.ts";
import { failover } from "./failover.ts";
import { replan } from "./replan.ts";
import { restore } from "./restore.ts";

/** The button below a dry run. */
const REAL = "run.real";

const PRESSED: readonly string[] = ["runbook.inputs", REAL, AGAIN];

export const runbook: Command = {
  verb: "runbook",
  aliases: ["run", "runbook.inputs", REAL, AGAIN],
  summary: "Start a runbook by its id; with nothing, list them.",
  usage: `/dr runbook [<id>] ${START_OPTIONS}`,
  examples: ["/dr runbook", "/dr runbook database-failover --dry-run"],
  reads: ({ verb, words }) => !PRESSED.includes(verb) && words.length === 0,
  startsRuns: true,
  checkForm(context, { verb, actionValue, form }) {
    if (verb !== "runbook.inputs") return {};
    const typed = typedIn(actionValue);
    const [id] = assignedIn(typed.words).words;
    // What `failover database` means is looked up, and nothing is looked up here: then a mistake is said by the form shown again.
    const [only, ...more] = id === undefined || startedBy(typed.verb) !== runbook ? [] : runbooksNamed(context, id);
    return only === undefined || more.length > 0 ? {} : inputErrors(only, form, context.timeline.now());
  },
  async handle(context, request) {
    if (request.verb === "runbook.inputs") return withForm(context, request);
    if (request.verb === REAL) return forReal(context, request);
    if (request.verb === AGAIN) return withReason(context, request);
    const [asked, ...strays] = assignedIn(request.words).words;
    const known = runbooksHere(context);
    if (asked === undefined) return list(context, known);
    const system = request.options.system;
    const found = runbooksNamed(context, asked).filter((one) => system === undefined || one.system === system);
    const [only] = found;
    if (only !== undefined && found.length === 1) return startRun(context, request, only, { strays });
    if (found.length > 1)
      return stop(
        severalRunbooks(
          asked,
          found.map((one) => `${one.system}/${one.id}`),
        ),
      );
    const ids = known.map(({ id }) => id);
    return stop(unknownRunbook(asked, ids, nearLine(asked, ids, "runbook ")));
  },
};

/** As if the line of the dry run were typed without `--dry-run`: planned again, looked at again, approved by the same people. */
async function forReal(context: CommandContext, request: Request): Promise<Reply> {
  const { run } = await findRun(context, request);
  const found = context.catalog.runbooks.find(({ id, system }) => id === run.runbook && system === run.plan.system);
  if (found === undefined || !found.modes.includes(run.mode)) return stop(runbookChanged(run.plan.title));
  const options = run.plan.kind === "drill" ? { drill: true as const } : {};
  const head = `runbook ${found.system}/${found.id} --${run.mode}`;
  const typed = { ...request, words: [], options };
  const gathered = gatherInputs(context, typed, found, { kept: keptFrom(run, found), head });
  return gathered.kind === "reply"
    ? gathered.reply
    : startRun(context, typed, found, { mode: run.mode, inputs: gathered.values });
}

/** A press carries the line that was typed so far, and so does the form it opens: they come back to where it was typed. */
async function withForm(context: CommandContext, request: Request): Promise<Reply> {
  const typed = typedIn(request.actionValue ?? "");
  const wanted = request.form === null ? { wantsForm: true as const } : {};
  return startedBy(typed.verb).handle(context, { ...request, ...typed, actionValue: null, ...wanted });
}

/** The line that was refused, with the reason of the form. */
async function withReason(context: CommandContext, request: Request): Promise<Reply> {
  const line = request.actionValue ?? "";
  const reason = request.form?.reason?.trim() ?? "";
  if (reason === "") {
    const form = reasonForm(AGAIN, "Another move", "Run preflight", line, MOVED_SAYS);
    return request.canAskForm ? { kind: "form", form } : say(typeReason(line));
  }
  const typed = typedIn(line);
  const options = { ...typed.options, again: reason };
  return startedBy(typed.verb).handle(context, { ...request, ...typed, options, actionValue: null, form: null });
}

function typedIn(line: string): Typed {
  return parse(line, (verb) => grammarOf(startedBy(verb)));
}

function startedBy(verb: string): Command {
  return [failover, restore, replan].find((one) => one.verb === verb || one.aliases.includes(verb)) ?? runbook;
}

function list(context: CommandContext, known: readonly Runbook[]): Reply {
  const listed = known.map((runbook) => ({
    runbook,
    line: runbook.starts === null && !needsInputs(runbook) ? null : lineFor(context.catalog, runbook, null),
  }));
  return say(runbookList(listed));
}
