import { writeSync } from "node:fs";
import { actions } from "../../src/actions/index.ts";
import { createLog } from "../../src/lib/log.ts";

/**
 * A process that performs one step up to and including its effect, to be killed on the way. Standard input carries
 * `{ id, input, secrets, dieAt }`; what it saw before the intent is printed first, as the timeline would hold it. It dies
 * by SIGKILL as soon as a progress sentence holds the words `dieAt`; after the effect it dies anyway.
 */
const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const { id, input, secrets, dieAt } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as {
  id: string;
  input: unknown;
  secrets: Record<string, string>;
  dieAt: string | null;
};
const action = actions.get(id);
if (!action?.apply) throw new Error(`No action ${id} that does something`);
const say = (line: object) => writeSync(1, `${JSON.stringify(line)}\n`);
const context = {
  kind: "real" as const,
  signal: new AbortController().signal,
  log: createLog("silent"),
  practice: true,
  secret: (name: string) => secrets[name] ?? "",
  evidenceOf: () => null,
};
const parsed = action.input.parse(input);
const before = await action.observe(context, parsed);
say({ before });
const applying = {
  ...context,
  budget: action.budget,
  progress(progress: string) {
    say({ progress });
    if (dieAt !== null && progress.includes(dieAt)) process.kill(process.pid, "SIGKILL");
  },
  async launched(_process: unknown, says: string) {
    applying.progress(says);
  },
};
await action.apply(applying, parsed, before).then(
  () => say({ applied: true }),
  (error: Error) => say({ failed: error.message }),
);
process.kill(process.pid, "SIGKILL");
