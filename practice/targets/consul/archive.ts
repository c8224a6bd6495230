import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { tar, untar } from "../../../src/lib/tar.ts";
import { Refusal } from "../../kit/refusal.ts";
import type { ConsulState } from "./state.ts";

interface State {
  readonly kv: readonly [string, string][];
  readonly services: readonly [string, readonly string[]][];
}

/** A snapshot as Consul writes one: a gzipped tar of its state, what it is, and the digests of both. */
export function writeSnapshot(world: ConsulState): Buffer {
  const state: State = { kv: [...world.kv], services: [...world.services] };
  const parts = new Map([
    ["meta.json", Buffer.from(JSON.stringify({ Version: 1, ID: `2-${world.index}-1`, Index: world.index, Term: 2 }))],
    ["state.bin", Buffer.from(JSON.stringify(state))],
  ]);
  const sums = [...parts].map(([name, body]) => `${sha256(body)}  ${name}\n`).join("");
  return gzipSync(tar(new Map([...parts, ["SHA256SUMS", Buffer.from(sums)]])));
}

export function readSnapshot(bytes: Buffer): State {
  try {
    const files = untar(gunzipSync(bytes));
    const state = files.get("state.bin");
    if (
      !state ||
      !files
        .get("SHA256SUMS")
        ?.toString("utf8")
        .includes(`${sha256(state)}  state.bin`)
    ) {
      throw new Error("hash check failed");
    }
    return JSON.parse(state.toString("utf8")) as State;
  } catch {
    throw new Refusal("snapshot", "failed to read snapshot file: hash check failed", 500);
  }
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
