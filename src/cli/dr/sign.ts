import { spawn } from "node:child_process";
import { LIMITS, NAMESPACE, type Statement } from "../../control/protocol.ts";
import { LifeboatError } from "../../lib/errors.ts";

export interface ToSign {
  readonly words: readonly string[];
  readonly nonce: string;
  readonly statement: string | null;
}

/**
 * Signs what the bot asks to have signed, after a look that it is this command. `ssh-keygen` asks for the passphrase, the PIN
 * and the touch by itself, or asks the agent.
 *
 * @param key file of the private key, or of the public one where an agent holds the other
 */
export async function signStatement(key: string, asked: ToSign): Promise<string> {
  const statement = read(asked);
  process.stderr.write(`${whatIsSigned(statement)}\n`);
  return await sshKeygen(key, asked.statement ?? "");
}

/** A bot that isn't one could ask for a signature under something else than what was typed. */
function read({ words, nonce, statement }: ToSign): Statement {
  const parsed = parse(statement);
  const same = parsed?.nonce === nonce && JSON.stringify(parsed.command) === JSON.stringify(words);
  if (parsed !== null && same && parsed.lifeboat === "command/1" && isOf(parsed, words)) return parsed;
  throw new LifeboatError({
    code: "statement-other",
    what: "The bot asked to sign something else than this command",
    stateNow: "Nothing was signed",
    next: "Look who answers at the socket or the address, before you try again",
  });
}

/** What is decided is named in what was typed; the hashes are for people to compare with the card. */
function isOf({ decision }: Statement, words: readonly string[]): boolean {
  if (decision === undefined) return true;
  const named = words.includes(decision.run) && words.includes(decision.request);
  return named && decision.decision === words[0]?.toLowerCase();
}

function parse(statement: string | null): Statement | null {
  try {
    return statement === null ? null : (JSON.parse(statement) as Statement);
  } catch {
    return null;
  }
}

function whatIsSigned({ command, decision }: Statement): string {
  if (decision === undefined) return `You sign: ${command.join(" ")}`;
  const { run, request, planHash, factsHash } = decision;
  return `You sign: ${decision.decision} ${request} of ${run} (plan ${planHash.slice(0, 8)}, facts ${factsHash.slice(0, 8)})`;
}

function sshKeygen(key: string, statement: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const failed = (what: string) =>
      reject(
        new LifeboatError({
          code: "not-signed",
          where: "ssh-keygen",
          what,
          stateNow: "Nothing was done",
          allowed: "--key with the file of a key that is on the roster",
        }),
      );
    const child = spawn("ssh-keygen", ["-Y", "sign", "-n", NAMESPACE, "-f", key], {
      stdio: ["pipe", "pipe", "inherit"],
      timeout: (LIMITS.runSeconds - 5) * 1000,
    });
    let signature = "";
    child.stdout.on("data", (chunk) => {
      signature += chunk;
    });
    child.stdin.on("error", () => {});
    child.stdin.end(statement);
    child.on("error", (error) => failed(`It can't be started: ${error.message}`));
    child.on("close", (code) => {
      if (code === 0) resolve(signature);
      else failed("It didn't sign");
    });
  });
}
