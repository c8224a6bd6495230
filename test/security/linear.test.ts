import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { readArgs, readLine } from "../../commands/index.ts";
import { LINE_MAX } from "../../src/command/parse/tokens.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { attacks, ways } from "../support/attacks.ts";

/**
 * What the attack list freezes a bot with: one message is enough where the work grows faster than the text. Patterns are
 * proved by what they are, entry points by 100 kB of the worst that was found for each.
 */

test("every regular expression is proved linear", async () => {
  const prove = join(projectRoot(), "test", "security", "prove.ts");
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", prove], { cwd: projectRoot() });
  expect(JSON.parse(stdout)).toEqual([expect.stringMatching(/^known bad: .*2nd degree polynomial/)]);
}, 300_000);

/** Linear work on 100 kB takes milliseconds and quadratic work ten seconds and more, so this tells them apart on any machine; of processor time, so also on a busy one. */
const BOUND_MS = 1500;

describe.each(Object.entries(ways))("%s takes 100 kB", (_, way) => {
  test.each(Object.entries(attacks))("of %s", (_name, text) => {
    const started = process.cpuUsage();
    way(text);
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(BOUND_MS);
  });
});

test("a line that is too long is not read, whatever stands in it", () => {
  const long = `approve run-1 ask-1 ${"a".repeat(LINE_MAX)}`;
  expect(readLine(long)).toEqual({ verb: "", words: [], options: {}, rest: "", tooLong: true });
  expect(readArgs(long.split(" "))).toMatchObject({ verb: "", tooLong: true });
});
