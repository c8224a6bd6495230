import { REASON, textInput } from "../../../templates/messages/kit/form.ts";
import { quoted } from "../../../templates/messages/kit/line.ts";
import { reasonButton, reasonLine } from "../../../templates/messages/run/answers.ts";
import { AS_SEEN } from "../../catalog/input.ts";
import type { Scalar } from "../../catalog/reference.ts";
import type { Mode, Runbook } from "../../catalog/types.ts";
import type { Problem } from "../../lib/errors.ts";
import type { Reply, Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { lineFor } from "../reply/line.ts";
import { no } from "../reply/say.ts";

/**
 * A second move of the same needs a reason: typed with `--again`, or given in a form. This is the button below the refusal that opens it; its
 * value is the line to start it with.
 */
export const AGAIN = "run.again";

export function reasonIn({ options, form }: Request): string | null {
  return typeof options.again === "string" ? options.again : form?.[REASON_FIELD]?.trim() || null;
}

const REASON_FIELD = "move-again";

/** What starts this run, behind `/dr`: with what was said of tonight, and where it belongs. */
export function lineAgain(
  { catalog }: CommandContext,
  { options }: Request,
  runbook: Runbook,
  mode: Mode,
  inputs: ReadonlyMap<string, Scalar>,
): string {
  const head = lineFor(catalog, runbook, mode)
    .replace(/^\/dr /, "")
    .split(" ")
    .filter((word) => !word.endsWith("=…"));
  const said = (runbook.inputs ?? []).flatMap(({ name, default: usual }) => {
    const value = inputs.get(name);
    return value === undefined || value === usual || value === AS_SEEN ? [] : [`${name}=${quoted(String(value))}`];
  });
  const kept = ["drill", "severity", "incident"].flatMap((name) => {
    const value = options[name];
    return value === undefined ? [] : [value === true ? `--${name}` : `--${name} ${quoted(value)}`];
  });
  return [...head, ...said, ...kept].join(" ");
}

/** @param line what starts the run that was refused; absent: nothing does */
export function notRequested(
  problem: Problem,
  line: string | undefined,
  { verb, form }: Pick<Request, "verb" | "form">,
): Reply {
  if (problem.code !== "moved-recently" || line === undefined) return no(problem);
  const buttons = line.length <= CARRIED_MAX ? [reasonButton(AGAIN, line)] : [];
  const fields = [textInput(REASON_FIELD, "Why move it again?", REASON)];
  return {
    ...no({ ...problem, next: `\`${reasonLine(line)}\`` }, ...buttons),
    // A form with inputs of tonight keeps them, and asks for the reason besides.
    ...(form !== null && verb === "runbook.inputs" && { instead: { verb, label: "Run preflight", fields } }),
  };
}

const CARRIED_MAX = 1900;
