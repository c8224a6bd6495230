import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandTable } from "../../commands/index.ts";
import { configurationTable } from "../../src/config.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { actionPages } from "./actions.ts";
import { logEventsPage } from "./log-events.ts";
import { page } from "./markdown.ts";
import { reportPage } from "./reports.ts";
import { runbookPages } from "./runbooks.ts";

/** Every page below `docs/` that is written from the code: file → text. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ["reference/commands.md", commandsPage()],
    ["reference/settings.md", settingsPage()],
    ["reference/reports.md", reportPage()],
    ["reference/log-events.md", logEventsPage()],
    ...actionPages(),
    ...runbookPages(),
  ]);
}

/** Folders that hold generated pages and nothing else. */
export const generatedFolders = ["reference"] as const;

function commandsPage(): string {
  return page(
    "Commands",
    "commands/",
    "What can I type? Type these in Slack, or after `lifeboat dr` where Slack is down ([how](../command-line.md)).",
    commandTable().trim(),
    "Slash commands don't work inside threads (a rule of Slack's). There, use the buttons, or mention the bot with the same words: `@lifeboat status`.",
  );
}

function settingsPage(): string {
  return page(
    "Settings",
    "src/config.ts",
    "Which environment variables does the bot read? These, once, at its start. An empty value is an unset one. Everything that is wrong is said at once, and the bot doesn't start.",
    configurationTable().trim(),
    "`lifeboat dr` reads three on the caller's side, `LIFEBOAT_CLI_URL`, `LIFEBOAT_CLI_SOCKET` and `LIFEBOAT_CLI_KEY`: see [the command line](../command-line.md).",
  );
}

function write(): void {
  const folder = join(projectRoot(), "docs");
  const pages = referencePages();
  for (const generated of generatedFolders)
    for (const file of readdirSync(join(folder, generated), { recursive: true, encoding: "utf8" }))
      if (file.endsWith(".md") && !pages.has(`${generated}/${file}`)) rmSync(join(folder, generated, file));
  for (const [file, text] of pages) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  process.stdout.write(`${pages.size} pages written.\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) write();
