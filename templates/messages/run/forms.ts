import type { Runbook } from "../../../src/catalog/types.ts";
import { section } from "../kit/blocks.ts";
import { safe } from "../kit/escape.ts";
import { choiceInput, REASON, textInput } from "../kit/form.ts";
import type { Form } from "../kit/message.ts";
import { inputFields } from "./inputs.ts";

/** Forms of a run, each taken up by the command its `callback` names. A title holds 24 characters. */

export function failoverForm(
  runbooks: readonly { readonly system: string; readonly id: string; readonly title: string }[],
): Form {
  return {
    callback: "failover",
    title: "Start a failover",
    submit: "Run preflight",
    actionValue: "",
    blocks: [
      section("Preflight checks run first, then people approve. Nothing changes until then."),
      choiceInput(
        "runbook",
        "What to fail over",
        runbooks.map(({ system, id, title }) => ({ value: `${system}/${id}`, says: `${title} (${system})` })),
        runbooks.length === 1 ? { initial: `${runbooks[0]?.system}/${runbooks[0]?.id}` } : {},
      ),
      choiceInput(
        "mode",
        "Mode",
        [
          { value: "planned", says: "Planned: no data loss" },
          { value: "unplanned", says: "Unplanned: fence the old side, data loss possible" },
        ],
        { initial: "planned" },
      ),
      choiceInput(
        "how",
        "How far",
        [
          { value: "run", says: "Run it once approved" },
          { value: "dry-run", says: "Dry run: checks only, no changes" },
        ],
        { initial: "run" },
      ),
    ],
  };
}

export function confirmForm(actionValue: string, step: string): Form {
  return {
    callback: "step.confirm",
    title: "Manual step",
    submit: "Mark done",
    actionValue,
    blocks: [
      section(safe(step)),
      textInput("note", "What was done, and the result", {
        ...REASON,
        optional: true,
        hint: "Kept on the timeline as evidence.",
      }),
    ],
  };
}

export function replanForm(
  actionValue: string,
  says: string,
  runbook: Runbook,
  mode: string,
  kept: ReadonlyMap<string, unknown>,
): Form {
  return {
    callback: "run.replan",
    title: "Change the plan",
    submit: "Abort and replan",
    actionValue,
    blocks: [
      section(safe(says)),
      choiceInput(
        "mode",
        "Mode",
        runbook.modes.map((one) => ({
          value: one,
          says: one === "planned" ? "Planned: no data loss" : "Unplanned: fence the old side, data loss possible",
        })),
        { initial: mode },
      ),
      ...inputFields(runbook, new Map([...kept].map(([name, value]) => [name, String(value)]))),
      textInput("reason", "What changed", REASON),
    ],
  };
}
