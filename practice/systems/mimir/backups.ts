import { createHash } from "node:crypto";
import { messageOf } from "../../../src/lib/errors.ts";
import { requestUrl } from "../../../src/lib/request-url.ts";
import type { DatabaseHost } from "../../environment/database.ts";
import { listening, say } from "../../kit/listening.ts";
import type { Aws } from "../../targets/aws/index.ts";
import { type Databases, inOrders } from "./databases.ts";
import { BACKUPS } from "./names.ts";

/** The agent of the backup host: backups lie in a bucket of us-west-2, and it restores them on a server of their own. */
export interface Backups {
  readonly url: string;
  readonly token: string;
  /** Backs up what this server holds now. */
  take(from: DatabaseHost): Promise<void>;
  reset(): void;
  close(): Promise<void>;
}

interface Row {
  readonly id: string;
  readonly placed_at: string;
  readonly cents: number;
}
interface Manifest {
  readonly key: string;
  readonly at: string;
  readonly rows: number;
  readonly sha256: string;
}
type Scratch = {
  readonly state: "empty" | "restoring" | "ready";
  readonly backup: string;
  readonly rows: number;
  readonly before: string | null;
  /** When the newest restore ended: another after every one. */
  readonly restoredAt: string | null;
};

const KEPT = "orders";

export async function createBackups(aws: Aws, databases: Databases, token: string): Promise<Backups> {
  let scratch: Scratch = { state: "empty", backup: "", rows: 0, before: null, restoredAt: null };
  const bucket = () => aws.s3.buckets.get(BACKUPS)?.objects ?? new Map();

  const newest = (before: string | null): { manifest: Manifest; body: Buffer } | null => {
    const manifests = [...bucket().values()].filter(({ key }) => key.endsWith(".manifest.json"));
    const manifest = manifests
      .sort((a, b) => (a.key < b.key ? 1 : -1))
      .map(({ body }) => JSON.parse(body.toString("utf8")) as Manifest)
      .find(({ at }) => before === null || Date.parse(at) <= Date.parse(before));
    if (!manifest) return null;
    const body = bucket().get(manifest.key)?.body;
    return body && sha256(body) === manifest.sha256 ? { manifest, body } : null;
  };

  const restore = async (before: string | null) => {
    const found = newest(before);
    if (!found) throw new Error("There is no whole backup");
    scratch = { state: "restoring", backup: found.manifest.key, rows: 0, before, restoredAt: null };
    const host = await databases.scratch();
    const rows = found.body.toString("utf8").split("\n").filter(Boolean);
    await inOrders(host, (db) =>
      db.query(
        "insert into orders select (r->>'id')::bigint, (r->>'placed_at')::timestamptz, (r->>'cents')::int from unnest($1::jsonb[]) r",
        [rows],
      ),
    );
    scratch = {
      state: "ready",
      backup: found.manifest.key,
      rows: rows.length,
      before,
      restoredAt: new Date().toISOString(),
    };
  };

  const server = await listening(async (request, response) => {
    const { pathname, searchParams } = requestUrl(request);
    const path = `${request.method} ${pathname}`;
    const before = searchParams.get("before");
    if (path === "GET /backups") {
      const found = newest(before);
      const until = before === null ? Date.now() : Date.parse(before);
      const age = found && Math.round((until - Date.parse(found.manifest.at)) / 1000);
      return say(response, 200, {
        whole: found !== null,
        young: age !== null && age <= 3600,
        ageSeconds: age,
        ...found?.manifest,
      });
    }
    if (path === "GET /scratch") return say(response, 200, scratch);
    if (path !== "POST /scratch") return say(response, 404, { error: "GET /backups, GET /scratch, POST /scratch" });
    if (request.headers.authorization !== `Bearer ${token}`) return say(response, 401, { error: "Who asks?" });
    try {
      await restore(before);
      say(response, 200, scratch);
    } catch (error) {
      say(response, 500, { error: messageOf(error) });
    }
  });

  return {
    url: server.url,
    token,
    async take(from) {
      const { rows } = await inOrders(from, (db) => db.query<Row>("select id::text, placed_at, cents from orders"));
      const body = Buffer.from(rows.map((row) => JSON.stringify(row)).join("\n"));
      const at = new Date().toISOString();
      const key = `${KEPT}/${at}.jsonl`;
      const manifest: Manifest = { key, at, rows: rows.length, sha256: sha256(body) };
      aws.s3.put(BACKUPS, key, body);
      aws.s3.put(BACKUPS, `${key}.manifest.json`, JSON.stringify(manifest));
    },
    reset() {
      bucket().clear();
      scratch = { state: "empty", backup: "", rows: 0, before: null, restoredAt: null };
    },
    close: () => server.close(),
  };
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
