import { describe, expect, test } from "@jest/globals";
import { CODE, callsOf, LOGGING, type LogCall, logCallsIn } from "../docs/generate/log-calls.ts";

/** One style of logging: a stable code to match on, a short message to read, fields for the rest. */
const calls = logCallsIn(LOGGING);
const at = ({ file, line }: LogCall) => `${file}:${line}`;
/** What codes are about. A new one is a decision: dashboards and SIEM rules group by it. */
const ABOUT = [
  "anchor",
  "action",
  "alerts",
  "bot",
  "calendar",
  "catalogue",
  "cli",
  "command",
  "comms",
  "config",
  "http",
  "inbox",
  "incidents",
  "metrics",
  "outbox",
  "page",
  "paging",
  "policy",
  "projector",
  "readiness",
  "record",
  "report",
  "run",
  "scripts",
  "slack",
  "store",
  "triage",
  "webhook",
];
const MESSAGE_LENGTH = 80;

/** What is wrong with a call, in words; none: nothing. */
function wrong({ level, events, messages }: LogCall): readonly string[] {
  const found: string[] = [];
  if (level === "computed") found.push("its level is computed");
  if (events.length === 0) found.push("it has no event code");
  for (const code of events) {
    if (!CODE.test(code)) found.push(`"${code}" is no code`);
    else if (!ABOUT.includes(code.split(".")[0] ?? "")) found.push(`"${code}" is about something new`);
  }
  if (messages.length === 0) found.push("its message is computed");
  for (const message of messages) {
    if (message.includes("…")) found.push("its message is filled in: use a field");
    if (!/^[a-z]/.test(message)) found.push(`"${message}" does not begin with a small letter`);
    if (/[.!]$/.test(message)) found.push(`"${message}" ends with a full stop`);
    if (message.length > MESSAGE_LENGTH) found.push(`"${message}" is longer than ${MESSAGE_LENGTH}`);
  }
  return found;
}

describe("log calls", () => {
  test("are found", () => {
    expect(calls.length).toBeGreaterThan(140);
    for (const file of [
      "src/command/execute/answer.ts",
      "src/main.ts",
      "src/engine/engine.ts",
      "src/timeline/timeline.ts",
    ])
      expect(calls.map((call) => call.file)).toContain(file);
  });

  test("have a stable code and a short message in one style", () => {
    expect(calls.flatMap((call) => wrong(call).map((says) => `${at(call)}: ${says}`))).toEqual([]);
  });

  test.each([
    ['log.warn("Slack is away.")', 2],
    ["log.warn({ err }, `$".concat("{what} failed`)"), 3],
    ['ctx.log.error({ event: "run.Failed" }, "it failed")', 1],
    ['log[level]({ event: "run.failed" }, "it failed")', 1],
    ['options.log?.info({ event: "weather.rain" }, "it rains")', 1],
    ["log.error({ event, problem }, problem.what)", 2],
  ])("%s would be seen", (source, mistakes) => {
    const [call] = callsOf(source, "x.ts");
    expect(call && wrong(call)).toHaveLength(mistakes);
  });

  test("and a line is known whatever stands before it", () => {
    const [call] = callsOf(
      "#!/usr/bin/env node\n// ü\n/** ä */\nimport a from 'a';\n\nlog.info({ event: 'run.left' }, 'left');\n",
      "x.ts",
    );
    expect(call).toEqual({ file: "x.ts", line: 6, level: "info", events: ["run.left"], messages: ["left"] });
  });
});
