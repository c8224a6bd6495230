/** What can be typed, by verb; `lifeboat --help` prints all of it, `lifeboat <verb> --help` a part. A line holds 100 characters. */
const VERBS: readonly (readonly [verb: string, lines: string])[] = [
  [
    "lint",
    `  lifeboat lint [folder]            list every mistake in systems and runbooks, with its place and what is allowed
      --format json|sarif|github    for programs, code scanning, or the log of a GitHub workflow`,
  ],
  ["init", `  lifeboat init <system> [folder]   copy a shipped system into a catalogue of your own (folder: systems)`],
  [
    "permissions",
    `  lifeboat permissions <system>/<runbook>   least-privilege policies for a runbook, from what its actions ask
      --iam | --terraform | --rbac  only the IAM policy, it as Terraform, or only Kubernetes' roles
      --group <name>                the group the roles are bound to (lifeboat)`,
  ],
  [
    "verify",
    `  lifeboat verify [stream]          check the timelines: hashes, authentication, signed heads
      --heads                       print the newest signed heads instead: keep them away from the store
      --against <file>              compare with heads that were kept
                                    The store: DATABASE_URL or LIFEBOAT_DATA`,
  ],
  [
    "evidence",
    `  lifeboat evidence export          write an evidence pack: everything about a period, verifiable offline
      --from <day> [--to <day>]     its first day and the first one after it, or moments in UTC; --to: now
      --out <folder>                a new folder
      --system <name>               only this system
  lifeboat evidence verifier        print lifeboat-verify.mjs, which checks a pack with Node alone`,
  ],
  [
    "doctor",
    `  lifeboat doctor                   check everything a bot needs, from here; changes nothing, says what to do
      --json                        as JSON`,
  ],
  [
    "readiness",
    `  lifeboat readiness [system]       which runbooks would pass their preflight now, by the running bot
      --json                        as JSON; exit code 1 where one isn't ready`,
  ],
  ["keys", `  lifeboat keys                     make keys for the record, as settings`],
  [
    "manifest",
    `  lifeboat manifest                 print the Slack app's manifest
      --http https://<your host>    with request URLs instead of Socket Mode`,
  ],
  [
    "migrate",
    `  lifeboat migrate                  update the schema (DATABASE_OWNER_URL) and admit the bot's login (DATABASE_URL)`,
  ],
  [
    "erase",
    `  lifeboat erase <person>           forget who that person was in events (DATABASE_OWNER_URL); timelines still verify`,
  ],
  [
    "accept-store",
    `  lifeboat accept-store             a store that came back older: say what differs
      --reason "…"                  accept it`,
  ],
  [
    "dr",
    `  lifeboat dr [--as <person>] …     what follows /dr in Slack, answered by the running bot, with Slack down too`,
  ],
  ["mcp", `  lifeboat mcp [--key <file>]       a read-only Model Context Protocol server on standard input, as you`],
  [
    "bot",
    `  lifeboat bot [--no-slack]         the bot itself; without Slack where Slack is down and no other bot runs`,
  ],
  ["unenroll", `  lifeboat unenroll <system>/<person>   remove an authenticator (a lost phone)`],
  [
    "practice",
    `  lifeboat practice                 the practice workspace and environment, in the browser (npm start)
      --system <name>               the system to practise (default: practice); an unknown name lists them
      --port <n>                    of the page (default 4180, or a free one when that is taken)
      --headless <system>/<runbook> play that runbook instead, as people would ("database": practice/database-failover)
          --unplanned               in its unplanned mode: what it says is dead is killed first
          --input <name>=<value>    the value of one of its inputs; left out: the environment's
          --kill <step>[:<point>]   kill -9 the bot during that step, and start it again
      --sequence <a,b,…>            play several runbooks in one world, one after the other
      --cycles [--rounds <n>]       play the declared cycles, there and back
      --all [--system <name>]       play every runbook of every system, in each mode, and print a table
          --present-only            skip systems whose programs are not on this machine
      --json                        end with one line of JSON`,
  ],
];

const HEAD = "Usage:\n";
const FOOT = `
  lifeboat <command> --help         only that command
  lifeboat --version
`;

export function usage(): string {
  return `${HEAD}${VERBS.map(([, lines]) => `${lines}\n`).join("")}${FOOT}`;
}

/** Of one command, or null where there is none of that name. */
export function usageOf(verb: string): string | null {
  const found = VERBS.find(([name]) => name === verb);
  return found === undefined ? null : `${HEAD}${found[1]}\n`;
}
