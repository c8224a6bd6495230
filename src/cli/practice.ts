import { parseArgs } from "node:util";

const options = {
  system: { type: "string" },
  port: { type: "string" },
  headless: { type: "string" },
  all: { type: "boolean", default: false },
  unplanned: { type: "boolean", default: false },
  kill: { type: "string" },
  input: { type: "string", multiple: true },
  json: { type: "boolean", default: false },
  "present-only": { type: "boolean", default: false },
} as const;

export async function practice(rest: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...rest], options, strict: true });
  const { system, unplanned, kill, json } = values;
  // What is loaded here takes a second: the first words come before it.
  if (values.all) {
    process.stdout.write("Playing every runbook, one system after the other.\n");
    return (await import("./practice/all.ts")).all({ system, json, presentOnly: values["present-only"] });
  }
  if (values.headless !== undefined) {
    process.stderr.write(`Playing ${values.headless}.\n`);
    const { headless } = await import("./practice/headless.ts");
    return headless({ what: values.headless, system, unplanned, kill, json, inputs: values.input ?? [] });
  }
  process.stdout.write("Opening the practice workspace: a local Slack, something to fail over, and the bot.\n");
  return (await import("./practice/page.ts")).page({ system, port: values.port });
}
