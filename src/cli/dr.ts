import { createInterface } from "node:readline/promises";
import { type Answer, LIMITS } from "../control/protocol.ts";
import { LifeboatError, messageOf, sayProblem } from "../lib/errors.ts";
import { botAt, type Connection } from "./dr/connection.ts";
import { showOwner } from "./dr/owner.ts";
import { signStatement } from "./dr/sign.ts";
import { versionOf } from "./version.ts";

const usage = `Usage: lifeboat dr [--as <person>] [--code <code>] [--key <file>] <what follows /dr in Slack>

  lifeboat dr status
  lifeboat dr failover database --unplanned
  lifeboat dr --key ~/.ssh/id_ed25519_sk approve run-7k2m9xqz ask-4hx8w2pd
  lifeboat dr --as vera-lindqvist approve run-7k2m9xqz ask-4hx8w2pd

The same commands as in Slack, on the same timeline, also with Slack or the primary region down. A running bot answers:
on this machine's socket (/run/lifeboat/bot.sock, or LIFEBOAT_CLI_SOCKET), or at LIFEBOAT_CLI_URL (https://…). No bot left?
As the service's user: lifeboat bot --no-slack

The bot says who you are: by your login, where LIFEBOAT_CLI_USERS maps it; by a key of the roster (--key, signed with
ssh-keygen, also a FIDO key); or by --as with the code of that person's authenticator.
`;

export interface DrOptions {
  readonly as: string | null;
  readonly code: string | null;
  readonly key: string | null;
  /** What is the command's. */
  readonly words: readonly string[];
}

/** Takes `--as` and `--code` out of what was typed, and `--key` where it comes before the command; everything else is the command's. */
export function drOptions(args: readonly string[]): DrOptions {
  const found: Record<"as" | "code" | "key", string | null> = { as: null, code: null, key: null };
  const words: string[] = [];
  for (let n = 0; n < args.length; n++) {
    const [, name, value] = /^--(as|code|key)(?:=(.*))?$/s.exec(args[n] as string) ?? [];
    if (name === undefined || (name === "key" && words.length > 0)) words.push(args[n] as string);
    else found[name as keyof typeof found] ??= value ?? args[++n] ?? "";
  }
  return { ...found, words };
}

/** The command line's side: it holds nothing of the bot's. Exit code 0: done or answered; 1: refused, and it says why; 2: no answer. */
export async function dr(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  exitOf: (answer: Answer) => number = ({ exit }) => exit,
): Promise<number> {
  const [first = ""] = args;
  if (["--help", "-h"].includes(first)) return said(usage, 0);
  if (["--version", "-V"].includes(first)) return said(`${versionOf()}\n`, 0);
  const options = drOptions(args);
  if (options.words.length === 0 && options.as === null && options.key === null) return said(usage, 2);
  try {
    const key = options.key ?? env.LIFEBOAT_CLI_KEY ?? null;
    const as = { ...options, key: options.as !== null && options.key === null ? null : key };
    const answer = await ask(botAt(env), as);
    print(answer);
    return exitOf(answer);
  } catch (error) {
    const says = error instanceof LifeboatError ? sayProblem(error.problem) : messageOf(error);
    return said(`${says}\n`, 2);
  }
}

/** One command, asked of the bot as the one who runs this. @throws LifeboatError where none answers */
export async function ask(bot: Connection, { as, code, key, words }: DrOptions): Promise<Answer> {
  const { nonce, file, mark } = await bot.hello();
  const done = file === null ? null : await showOwner(file, mark);
  try {
    const opened = await bot.open({ nonce, words, as, sign: key !== null });
    const signature = key === null ? null : await signStatement(key, { words, nonce, statement: opened.statement });
    const typed = opened.needs === "code" && code === null ? await askCode(opened.person) : null;
    return await bot.run({ nonce, code: code ?? typed, signature });
  } finally {
    await done?.();
  }
}

/** Null: no one sits there to be asked. */
async function askCode(name: string): Promise<string | null> {
  if (!process.stdin.isTTY) return null;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const signal = AbortSignal.timeout(LIMITS.runSeconds * 1000);
  try {
    return await terminal.question(`Code of ${name}'s authenticator: `, { signal });
  } catch {
    return null;
  } finally {
    terminal.close();
  }
}

function print({ out, err }: Answer): void {
  process.stdout.write(process.stdout.isTTY ? withoutControls(out) : out);
  process.stderr.write(withoutControls(err));
}

/** What others wrote may not move the cursor or change the title of a terminal. */
function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}

function said(text: string, exit: 0 | 2): number {
  process[exit === 0 ? "stdout" : "stderr"].write(text);
  return exit;
}
