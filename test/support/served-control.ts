import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret, TOTP } from "otpauth";
import { showOwner } from "../../src/cli/dr/owner.ts";
import { type Control, type ControlConfig, startControl } from "../../src/control/index.ts";
import { type Answer, CLIENT_HEADER, type Hello, type Opened, PATHS } from "../../src/control/protocol.ts";
import { createKeyCounters } from "../../src/mfa/key-counters.ts";
import { createTotp } from "../../src/mfa/totp.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createSecondFactors } from "../../src/timeline/second-factors.ts";
import { quiet } from "./postgres.ts";
import { TestApp } from "./test-app.ts";

export interface Sent {
  readonly status: number;
  readonly body: unknown;
}

/** How a caller asks; what is left out, an honest one would do. */
export interface Asking {
  readonly as?: string;
  readonly code?: string;
  readonly sign?: (statement: string) => string | Promise<string>;
  /** False: the file that says which user it is isn't made. */
  readonly owner?: boolean;
}

/** The bot's side of the command line, in this process, over a command context on a real store. */
export class Served {
  readonly app: TestApp;
  readonly folder: string;
  readonly socket: string;
  readonly mfa;
  readonly #store: Store;
  #control: Control | null = null;

  private constructor(store: Store, folder: string, settleHours: number) {
    this.#store = store;
    this.folder = folder;
    this.socket = join(folder, "run", "bot.sock");
    this.app = new TestApp(store);
    this.mfa = createTotp(createSecondFactors(store.pool, store.keyring), [randomBytes(32)], { settleHours });
    Object.assign(this.app.context, { mfa: this.mfa });
  }

  static async open(store: Store, people: ReadonlyMap<string, string>, settleHours = 0): Promise<Served> {
    const folder = await mkdtemp(join(tmpdir(), "lifeboat-cli-"));
    await chmod(folder, 0o755);
    const served = new Served(store, folder, settleHours);
    await served.start({ people });
    return served;
  }

  async start(more: Partial<ControlConfig>): Promise<Control> {
    await this.#control?.close();
    const config = { socket: this.socket, tls: null, people: new Map<string, string>(), ...more };
    const counters = createKeyCounters(createSecondFactors(this.#store.pool, this.#store.keyring));
    this.#control = await startControl({ config, context: this.app.context, counters, log: quiet });
    return this.#control;
  }

  /** Puts keys onto the roster. */
  keys(of: Readonly<Record<string, readonly string[]>>): void {
    const { catalog } = this.app.context;
    const systems = catalog.systems.map((system) => ({
      ...system,
      people: system.people.map((person) => (of[person.id] ? { ...person, keys: of[person.id] } : person)),
    }));
    Object.assign(this.app.context, { catalog: { ...catalog, systems } });
  }

  async enroll(person: string): Promise<(steps: number) => string> {
    const holder = `practice/${person}`;
    const { secret } = await this.mfa.begin([holder], person);
    const code = (steps: number) =>
      new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });
    const confirmed = await this.mfa.confirm([holder], code(-1), null, "enroll");
    if (!confirmed.ok) throw new Error(confirmed.problem.what);
    return code;
  }

  /** One request, as it is. */
  send(path: string, body: unknown, headers: Record<string, string> = { [CLIENT_HEADER]: "1" }): Promise<Sent> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asking = request({ socketPath: this.socket, path, method: "POST", agent: false, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("end", () => {
          const said = Buffer.concat(chunks).toString();
          resolve({ status: answer.statusCode ?? 0, body: said === "" ? null : JSON.parse(said) });
        });
        answer.on("error", reject);
      });
      asking.on("error", reject);
      asking.end(text);
    });
  }

  async hello(): Promise<Hello> {
    return (await this.send(PATHS.hello, {})).body as Hello;
  }

  /** Opens a command the way `lifeboat dr` does. */
  async opened(
    words: readonly string[],
    { as, sign, owner = true }: Asking = {},
  ): Promise<{ nonce: string; opened: Opened }> {
    const { nonce, file, mark } = await this.hello();
    if (owner && file !== null) await showOwner(file, mark);
    const { body } = await this.send(PATHS.open, { nonce, words, as: as ?? null, sign: sign !== undefined });
    return { nonce, opened: body as Opened };
  }

  /** A whole command. */
  async dr(line: string, asking: Asking = {}): Promise<Answer> {
    const { nonce, opened } = await this.opened(line.split(" "), asking);
    const signature = asking.sign ? await asking.sign(opened.statement ?? "") : null;
    const { body } = await this.send(PATHS.run, { nonce, code: asking.code ?? null, signature });
    return body as Answer;
  }

  async close(): Promise<void> {
    await this.#control?.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
