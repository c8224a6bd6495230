import { LifeboatError } from "../../src/lib/errors.ts";
import type { Message } from "../slack/index.ts";
import type { Practice } from "./practice.ts";

export interface ScenarioOptions {
  /** What the responder types after `/dr`: `failover database`. */
  readonly words: string;
  readonly unplanned: boolean;
  /** How long one answer may take, the run's end among them. */
  readonly seconds: number;
}

const responder = "UALEX";
const commander = "USAM";

/**
 * Plays a failover the way people would: the responder asks, the commander decides, both read how it ends, and when it
 * ended well the commander resolves (planned work ends by itself) and drafts the post-mortem. It knows only what is on the
 * screen, and looks only at what this failover says.
 *
 * @returns the name of the post-mortem's file, or null when the story ended without one
 */
export async function playScenario(
  { workspace, environment }: Pick<Practice, "workspace" | "environment">,
  options: ScenarioOptions,
): Promise<string | null> {
  const alex = workspace.as(responder);
  const sam = workspace.as(commander);
  const wait = options.seconds * 1000;
  const before = new Set(workspace.snapshot().messages.map(({ channel, ts }) => `${channel}/${ts}`));
  const isNew = ({ channel, ts }: Message) => !before.has(`${channel}/${ts}`) && !channel.startsWith("D");
  const isOver = (message: Message) => isNew(message) && endsRun(message);
  const asks = (message: Message) => isNew(message) && offers(message, "gate.approve");

  if (options.unplanned) await environment.injectFault("kill-primary");
  // What is moved again within the hour needs a reason.
  const why = '--again "Played one after the other in practice"';
  await accepted(alex.slash(`/dr ${options.words}${options.unplanned ? " --unplanned" : ""} ${why}`));

  const first = await sam.waitForMessage((message) => asks(message) || isOver(message), wait);
  if (asks(first)) await accepted(sam.click(first, "gate.approve", { confirm: true }));

  const last = await sam.waitForMessage(isOver, wait);
  if (!offers(last, "postmortem")) return null;
  // Planned work is maintenance and resolves itself; an incident on probation has what comes before the end in its place.
  const ends = ["incident.resolve", "run.commit", "run.failback", "run.reprotect"];
  if (ends.some((action) => offers(last, action))) {
    await accepted(
      sam.slash("/dr resolve --anyway Orders are taken by the standby; the old primary is fenced.", last.channel),
    );
    await sam.waitForMessage((message) => /resolved/i.test(message.text) && message.channel === last.channel, wait);
  }
  await accepted(sam.slash("/dr postmortem", last.channel));
  const document = await sam.waitForMessage((message) => isNew(message) && (message.files ?? []).length > 0, wait);
  return document.files?.[0]?.name ?? null;
}

async function accepted(outcome: Promise<{ ok: boolean; error?: string }>): Promise<void> {
  const { ok, error } = await outcome;
  if (!ok)
    throw new LifeboatError({ code: "story-stuck", where: "The practice workspace", what: `it answered: ${error}` });
}

/** The last word of a run, or a question only a person can answer. */
function endsRun(message: Message): boolean {
  return offers(message, "postmortem") || offers(message, "step.retry") || / (failed|aborted)\. /.test(message.text);
}

function offers(message: Message, action: string): boolean {
  return (message.blocks ?? []).some(
    (block) =>
      block.type === "actions" &&
      (block.elements as { action_id?: string }[]).some(
        ({ action_id: id = "" }) => id === action || id.startsWith(`${action}:`),
      ),
  );
}
