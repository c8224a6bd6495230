import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Consul } from "../../targets/consul/index.ts";
import type { PracticeRabbit } from "../../targets/rabbitmq/index.ts";
import type { Databases } from "./databases.ts";
import { tell } from "./databases.ts";
import { DATABASE, LABEL } from "./names.ts";

/** What was kept last night, on the machine the bot runs on. */
export interface Backups {
  readonly folder: string;
  readonly definitions: string;
  readonly snapshot: string;
  /** Definitions and snapshot of what the primary datacentre knows now, as the nightly job leaves them. */
  keepState(): Promise<void>;
  /** A dump of what the database holds now, as the nightly job leaves it. */
  dump(): Promise<void>;
  /** The file names of the dumps that are kept, newest first. */
  dumps(): Promise<readonly string[]>;
  /** Removes one of them and what is kept beside it. */
  drop(name: string): Promise<void>;
  /** Removes the dumps and exports other runs left. */
  tidy(): Promise<void>;
}

const run = promisify(execFile);

export async function createBackups(
  parent: string,
  databases: Databases,
  { rabbit, consul }: { readonly rabbit: PracticeRabbit; readonly consul: Consul },
): Promise<Backups> {
  const folder = join(parent, "backups");
  await mkdir(folder, { recursive: true });
  const definitions = join(folder, "definitions.json");
  const snapshot = join(folder, "consul.snap");
  return {
    folder,
    definitions,
    snapshot,
    async keepState() {
      await writeFile(definitions, JSON.stringify(await rabbit.api("GET", "/api/definitions")), { mode: 0o600 });
      await keepSnapshot(consul, snapshot);
    },
    async dump() {
      const url = new URL(databases.ownerUrl(databases.a));
      const at = new Date();
      const name = `${LABEL}-${DATABASE}-${at.toISOString().replace(/[-:.]/g, "")}.dump`;
      const file = join(folder, name);
      const login = ["-h", url.hostname, "-p", url.port, "-U", url.username, "-d", DATABASE];
      const env = { PATH: process.env.PATH ?? "", PGPASSWORD: url.password };
      await run("pg_dump", [...login, "--format=custom", "--file", file], { env, timeout: 30_000 });
      const tables: Record<string, number> = {};
      for (const table of ["users", "invoices"]) {
        const [row] = await tell(url.href, [`select count(*)::int as rows from ${table}`]);
        tables[`public.${table}`] = Number(row?.rows);
      }
      const bytes = await readFile(file);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      await writeFile(`${file}.sha256`, `${sha256}  ${name}\n`);
      const manifest = {
        file: name,
        database: DATABASE,
        takenAt: at.getTime(),
        serverMajor: 15,
        sha256,
        bytes: bytes.length,
        tables,
      };
      await writeFile(`${file}.json`, JSON.stringify(manifest));
    },
    async dumps() {
      const names = await readdir(folder);
      return names
        .filter((name) => name.startsWith(`${LABEL}-`) && name.endsWith(".dump"))
        .sort()
        .reverse();
    },
    async drop(name) {
      await Promise.all(["", ".sha256", ".json"].map((end) => rm(join(folder, `${name}${end}`), { force: true })));
    },
    async tidy() {
      const old = (await readdir(folder)).filter((name) => /^(safety|divergence|given-up)-/.test(name));
      await Promise.all(old.map((name) => rm(join(folder, name))));
    },
  };
}

async function keepSnapshot({ url, token, state }: Consul, file: string): Promise<void> {
  const answer = await fetch(`${url}/v1/snapshot`, { headers: { "x-consul-token": token } });
  if (!answer.ok) throw new Error(`Consul gave no snapshot: ${answer.status}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  await writeFile(file, bytes, { mode: 0o600 });
  const label = {
    datacenter: state.datacenter,
    version: state.version,
    takenAt: Date.now(),
    sha256: createHash("sha256").update(bytes).digest("hex"),
    services: [...state.services.keys()].filter((name) => name !== "consul"),
    keys: state.kv.size,
  };
  await writeFile(`${file}.label.json`, JSON.stringify(label));
}
