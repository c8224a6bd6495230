import { parseArgs } from "node:util";

const options = {
  system: { type: "string" },
  port: { type: "string" },
  headless: { type: "string" },
  all: { type: "boolean", default: false },
  unplanned: { type: "boolean", default: false },
  kill: { type: "string" },
  sequence: { type: "string" },
  "keep-going": { type: "boolean", default: false },
  input: { type: "string", multiple: true },
  json: { type: "boolean", default: false },
  "present-only": { type: "boolean", default: false },
} as const;

const forYear = {
  year: { type: "boolean" },
  short: { type: "boolean", default: false },
  pack: { type: "string" },
  system: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

/** With cycles the point is the same in each run, so `--kill` says only that there is one. */
const forCycles = {
  cycles: { type: "boolean" },
  system: { type: "string" },
  rounds: { type: "string", default: "1" },
  kill: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  "present-only": { type: "boolean", default: false },
} as const;

export async function practice(rest: readonly string[]): Promise<number> {
  if (rest.includes("--cycles")) {
    const { values } = parseArgs({ args: [...rest], options: forCycles, strict: true });
    const { system, kill, json } = values;
    process.stdout.write("Playing the cycles that are declared, there and back.\n");
    const { cycles } = await import("./cycles.ts");
    return cycles({ system, kill, json, rounds: values.rounds, presentOnly: values["present-only"] });
  }
  if (rest.includes("--year")) {
    const { values } = parseArgs({ args: [...rest], options: forYear, strict: true });
    const { system, short, pack, json } = values;
    process.stderr.write(`Playing ${short ? "ten weeks" : "a year"} in practice time.\n`);
    const { year } = await import("./year.ts");
    return year({ system, short, pack, json });
  }
  const { values } = parseArgs({ args: [...rest], options, strict: true });
  const { system, unplanned, kill, json } = values;
  // What is loaded here takes a second: the first words come before it.
  if (values.all) {
    process.stdout.write("Playing every runbook, one system after the other.\n");
    return (await import("./all.ts")).all({ system, json, presentOnly: values["present-only"] });
  }
  if (values.sequence !== undefined) {
    const name = values.headless ?? system ?? "practice";
    process.stderr.write(`Playing a sequence in ${name}.\n`);
    const { sequence } = await import("./sequence.ts");
    return sequence({ system: name, sequence: values.sequence, keepGoing: values["keep-going"], kill, json });
  }
  if (values.headless !== undefined) {
    process.stderr.write(`Playing ${values.headless}.\n`);
    const { headless } = await import("./headless.ts");
    return headless({ what: values.headless, system, unplanned, kill, json, inputs: values.input ?? [] });
  }
  process.stdout.write("Opening the practice workspace: a local Slack, something to fail over, and the bot.\n");
  return (await import("./page.ts")).page({ system, port: values.port });
}
