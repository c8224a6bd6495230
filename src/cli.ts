#!/usr/bin/env node
import { LifeboatError, messageOf, sayProblem } from "./lib/errors.ts";

/** The command line: lint a catalogue, verify the timeline, practise. Each loads only what it needs. */
const usage = `Usage:
  lifeboat lint [folder]          every mistake in systems and runbooks, with its place and what is allowed
  lifeboat init <system> [folder] copies a shipped system into a catalogue of your own (folder: systems)
  lifeboat verify [stream]        walks the timelines: hashes, authentication, signed heads (store: DATABASE_URL or LIFEBOAT_DATA)
      --heads                     prints the newest signed heads instead: keep them away from the store
      --against <file>            compares with heads that were kept
  lifeboat doctor                 looks at everything a bot needs from where it is run, changes nothing, and says what to do; --json
  lifeboat keys                   makes keys for the record, as settings
  lifeboat manifest               prints the Slack app's manifest; --http https://<your host> for request URLs instead of Socket Mode
  lifeboat migrate                brings the schema up to date (DATABASE_OWNER_URL) and admits the bot's login (DATABASE_URL)
  lifeboat erase <person>         forgets who stood in events as that person (DATABASE_OWNER_URL); the timeline verifies on
  lifeboat accept-store           a store that came back older: says what differs; --reason "…" accepts it
  lifeboat dr [--as <person>] …   what follows /dr in Slack, answered by the running bot: with Slack down, too
  lifeboat bot [--no-slack]       the bot itself; without Slack where Slack is down and no other bot runs
  lifeboat unenroll <system>/<person>   takes away what somebody proves with who they are (a lost phone)
  lifeboat practice               the practice workspace and estate, in the browser
      --system <name>             the system that is practised (default practice); an unknown one lists them
      --port <n>                  of the page (default 4180, or a free one when that is taken)
      --headless <system>/<runbook>   plays that runbook instead, the way people would ("database" is practice/database-failover)
          --unplanned             in its unplanned mode: what it says is dead is killed first
          --input <name>=<value>  what is said of one of its inputs; left out: what the estate says
          --kill <step>[:<point>] kill -9 the bot while that step runs, and start it again
      --all [--system <name>]     plays every runbook of every system, in each of its modes, and prints a table
          --present-only          systems whose programs are not on this machine do not count
      --json                      end with one line of JSON
`;

const verbs: Record<string, (rest: string[]) => Promise<number>> = {
  lint: async (rest) => (await import("./cli/lint.ts")).lint(rest),
  init: async (rest) => (await import("./cli/init.ts")).init(rest),
  verify: async (rest) => (await import("./cli/verify.ts")).verify(rest),
  doctor: async (rest) => (await import("./cli/doctor.ts")).doctor(rest),
  keys: async () => (await import("./cli/keys.ts")).keys(),
  manifest: async (rest) => (await import("./cli/manifest.ts")).manifest(rest),
  migrate: async () => (await import("./cli/migrate.ts")).migrate(),
  erase: async (rest) => (await import("./cli/erase.ts")).erase(rest),
  "accept-store": async (rest) => (await import("./cli/accept-store.ts")).acceptStoreCommand(rest),
  bot: async (rest) => (await import("./cli/bot.ts")).bot(rest),
  dr: async (rest) => (await import("./cli/dr.ts")).dr(rest),
  unenroll: async (rest) => (await import("./cli/unenroll.ts")).unenroll(rest),
  practice: async (rest) => (await import("./cli/practice.ts")).practice(rest),
};

const [verb = "", ...rest] = process.argv.slice(2);
const run = verbs[verb];
if (["--version", "-V"].includes(verb)) {
  process.stdout.write(`${(await import("./cli/version.ts")).versionOf()}\n`);
} else if (run === undefined) {
  const asked = ["help", "--help", "-h"].includes(verb);
  process[asked ? "stdout" : "stderr"].write(verb && !asked ? `There is no "${verb}".\n${usage}` : usage);
  process.exitCode = asked ? 0 : 2;
} else {
  try {
    process.exitCode = await run(rest);
  } catch (error) {
    process.stderr.write(`${error instanceof LifeboatError ? sayProblem(error.problem) : (error as Error).stack}\n`);
    process.exitCode = isUsage(error) ? 2 : 1;
  }
}

function isUsage(error: unknown): boolean {
  return String((error as { code?: unknown }).code ?? "").startsWith("ERR_PARSE_ARGS") && messageOf(error) !== "";
}
