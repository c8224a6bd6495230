import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { projectRoot } from "../../../src/lib/root.ts";
import { actionValue, JOINED, parseActionValue } from "../../../templates/messages/kit/action-value.ts";

test.each([
  [actionValue("run-7k2m9xqz"), { run: "run-7k2m9xqz", incident: null, about: [] }],
  [actionValue("run-7k2m9xqz", "ask-1"), { run: "run-7k2m9xqz", incident: null, about: ["ask-1"] }],
  [actionValue("run-7k2m9xqz", "ask-1", 2), { run: "run-7k2m9xqz", incident: null, about: ["ask-1", "2"] }],
  [actionValue("inc-1", "due-3"), { run: null, incident: "inc-1", about: ["due-3"] }],
  [
    actionValue("inc-1", "tri-1", "question", "yes"),
    { run: null, incident: "inc-1", about: ["tri-1", "question", "yes"] },
  ],
  // As 0.1 wrote them: they stand in Slack.
  ["run-7k2m9xqz/promote", { run: "run-7k2m9xqz", incident: null, about: ["promote"] }],
  ["inc-1", { run: null, incident: "inc-1", about: [] }],
  ["failover database --unplanned", { run: null, incident: null, about: ["failover database --unplanned"] }],
  [JOINED, { run: null, incident: null, about: [JOINED] }],
  ["", { run: null, incident: null, about: [] }],
  [null, { run: null, incident: null, about: [] }],
])("%s is read as it was built", (value, read) => {
  expect(parseActionValue(value)).toEqual(read);
});

test("only the codec builds and reads what a button brings back", () => {
  const root = projectRoot();
  const own =
    /(?:carries|actionValue)[^\n]*\.(?:split|startsWith)\(|(?:(?:carries|actionValue)(?::| =)|Form\()[^\n]*`\$\{[^`]*\}\/\$\{|= "joined"/;
  const strays = ["commands", "templates/messages", "src/slack"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !name.endsWith("action-value.ts"))
      .map((name) => join(folder, name))
      .filter((file) => own.test(readFileSync(join(root, file), "utf8"))),
  );
  expect(strays).toEqual([]);
});
