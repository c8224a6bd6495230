import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { commands, commandTable } from "../../commands/index.ts";
import { actions } from "../../src/actions/index.ts";
import { configurationTable } from "../../src/config.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { renamedSettings } from "../../src/renamed-settings.ts";
import { allPages, codeIn } from "./pages.ts";

/** What people are told to type exists: npm scripts, commands of the CLI and of Slack with their options, and settings. */
const root = projectRoot();
const pages = allPages().filter(({ file }) => !file.startsWith("docs/reference/"));
const named = pages.flatMap(({ file, text }) => codeIn(text).map((code) => ({ file, code })));

/** Every match of a pattern in code, which is not in `known`. */
function unknownIn(pattern: RegExp, known: (word: string) => boolean): readonly string[] {
  return named.flatMap(({ file, code }) =>
    [...code.matchAll(pattern)].flatMap(([, word = ""]) => (known(word) ? [] : [`${file}: ${word} in ${code}`])),
  );
}

const cli = readFileSync(join(root, "src", "cli.ts"), "utf8");
const cliVerbs = new Set([...cli.matchAll(/^ {2}"?([\w-]+)"?: async \(/gm)].map(([, verb]) => verb));
const usages = ["usage.ts", "dr.ts"].map((file) => readFileSync(join(root, "src", "cli", file), "utf8")).join("\n");
const cliOptions = new Set([...usages.matchAll(/--[a-z-]+/g)].map(([option]) => option));
const verbs = new Set(commands.flatMap(({ verb, aliases = [] }) => [verb, ...aliases]));

describe("what the pages name", () => {
  test("npm scripts", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect(unknownIn(/npm run (?:-s )?((?!-)[\w:-]+)/g, (script) => script in scripts)).toEqual([]);
  });

  test("commands of the CLI", () => {
    expect(cliVerbs.size).toBeGreaterThan(10);
    expect(
      unknownIn(/(?:^|[;&|(] ?|\w=\S+ |npm run )lifeboat (?:-- )?([a-z][\w-]*)/g, (verb) => cliVerbs.has(verb)),
    ).toEqual([]);
  });

  test("options of the CLI", () => {
    const lines = named.filter(({ code }) => /^lifeboat (?!dr\b)|npm run lifeboat/.test(code.replace(/^\w+=\S+ /, "")));
    const unknown = lines.flatMap(({ file, code }) =>
      [...code.matchAll(/(?<=\s)--[a-z-]+/g)].flatMap(([option]) =>
        cliOptions.has(option) ? [] : [`${file}: ${code}`],
      ),
    );
    expect(unknown).toEqual([]);
  });

  test("commands of Slack", () => {
    expect(unknownIn(/(?:\/dr|lifeboat dr(?: --(?:key|as) \S+)*) ([a-z][a-z-]*)/g, (verb) => verbs.has(verb))).toEqual(
      [],
    );
  });

  test("options of Slack's commands", () => {
    const known = commandTable();
    const lines = named.filter(({ code }) => /(^|\s)(\/dr|lifeboat dr) /.test(code));
    const unknown = lines.flatMap(({ file, code }) =>
      [...code.matchAll(/(?<=\s)--[a-z-]+/g)].flatMap(([option]) =>
        known.includes(option) || cliOptions.has(option) ? [] : [`${file}: ${code}`],
      ),
    );
    expect(unknown).toEqual([]);
  });

  test("settings", () => {
    const known = `${configurationTable()} ${Object.keys(renamedSettings).join(" ")} ${OUTSIDE}`;
    const setting = /(?<![\w.])((?:LIFEBOAT|SLACK|DATABASE|PAGERDUTY|SMTP|STATUS_PAGE|STATUSPAGE)_[A-Z_]+)(?![\w*])/g;
    expect(unknownIn(setting, (name) => new RegExp(`\\b${name}\\b`).test(known))).toEqual([]);
  });

  test("actions", () => {
    const targets = [...new Set([...actions.keys()].map((id) => id.split(".")[0]))].join("|");
    const files = /\.(?:ts|js|json|md|yml|yaml|test)$/;
    const id = new RegExp(`^((?:${targets})\\.[a-z_]+)$`, "g");
    expect(unknownIn(id, (name) => actions.has(name) || files.test(name))).toEqual([]);
  });
});

test("files of the repository are where the pages say, as a whole path or as its end", () => {
  const folders = ["src", "commands", "templates", "practice", "test", "docs/generate", "deploy"];
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => `/${folder}/${file}`),
  );
  const gone = unknownIn(
    /^((?:[\w.-]+\/)+[\w.-]+\.(?:ts|sql|md|json|yml))$/g,
    (path) => EXAMPLE.test(path) || existsSync(join(root, path)) || files.some((file) => file.endsWith(`/${path}`)),
  );
  expect(gone).toEqual([]);
});

/** Files of a system or an action that the reader is going to write. */
const EXAMPLE = /^(?:systems|runbooks|my-system)\//;

/** Read by the caller's side, by tests and by the build of the site; a name of an example. */
const OUTSIDE = [
  "LIFEBOAT_CLI_URL",
  "LIFEBOAT_CLI_KEY",
  "LIFEBOAT_SLACK_RECORDING",
  "LIFEBOAT_TESTED",
  "LIFEBOAT_UPDATE_PAGES",
  "LIFEBOAT_NO_SKIPS",
  "LIFEBOAT_SOURCE_URL",
  "LIFEBOAT_DOCS_BASE",
  "PAGERDUTY_ROUTING_KEY_ORDERS",
  "PAGERDUTY_TOKEN",
  "DATABASE_ENDPOINT",
].join(" ");
