import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { built } from "../support/built.ts";
import { soon } from "../support/database-fixture.ts";

/** A stand-in of another process, as what that one prints says. */
export interface Served {
  readonly environment: Readonly<Record<string, string>>;
  readonly mayChange: string;
}

export interface Serving {
  /** Resolves when that one is there; rejects when the process ended before it was. */
  of(id: string): Promise<Served>;
  stop(): Promise<void>;
}

/** Starts all of them at once: most of what each takes is waiting. */
export async function serve(ids: readonly string[]): Promise<Serving> {
  const file = await built("test/live/serve.ts");
  const child = spawn(process.execPath, [file, ...ids], { stdio: ["pipe", "pipe", "inherit"] });
  const gone = once(child, "exit");
  const there = new Map<string, Served>();
  void (async () => {
    for await (const one of blocksOf(createInterface({ input: child.stdout }))) there.set(one.id, one);
  })();
  return {
    of: (id) =>
      soon(
        `the stand-in of ${id}`,
        async () => {
          if (child.exitCode !== null) throw new Error(`test/live/serve.ts ended before ${id} was there`);
          return there.get(id) ?? null;
        },
        120,
      ),
    async stop() {
      child.stdin.end();
      await gone;
    },
  };
}

/** Reads what it prints as a shell would. */
async function* blocksOf(lines: AsyncIterable<string>): AsyncGenerator<Served & { readonly id: string }> {
  const unquoted = (value: string) => value.replace(/^'|'$/g, "").replaceAll("'\\''", "'");
  let environment: Record<string, string> = {};
  for await (const line of lines) {
    const given = /^export ([A-Z0-9_]+)=(.*)$/.exec(line);
    if (given) environment[given[1] as string] = unquoted(given[2] as string);
    const named = /^# npm run test:live -- (\S+) --may-change (.*)$/.exec(line);
    if (!named) continue;
    yield { id: named[1] as string, environment, mayChange: unquoted(named[2] as string) };
    environment = {};
  }
}
