import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Entry } from "./inspector.ts";
import type { Json } from "./objects.ts";

/**
 * Writes what the bot showed in Slack and this workspace took, each kind of payload once, to `<folder>/<process id>.jsonl`: a line is
 * `{ surface: "message", blocks }` or `{ surface: "modal" | "home", view }`. For validators no one here wrote (`.ci/run`).
 */
export function createRecorder(folder: string): (entry: Entry) => void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${process.pid}.jsonl`);
  const seen = new Set<string>();
  return (entry) => {
    for (const payload of payloadsIn(entry)) {
      const print = createHash("sha256").update(shapeOf(payload)).digest("base64");
      if (seen.has(print)) continue;
      seen.add(print);
      appendFileSync(file, `${JSON.stringify(payload)}\n`);
    }
  };
}

/** The same for payloads that differ only in words of about the same length: another name or time is not another payload. */
export function shapeOf(payload: object): string {
  return JSON.stringify(payload, (key, value) =>
    typeof value === "string" && key !== "type" && key !== "style" ? Math.ceil(value.length / 50) : value,
  );
}

function payloadsIn({ kind, error, sent, answered }: Entry): readonly object[] {
  if (error !== null) return [];
  const said = (kind === "envelope" ? answered : kind === "socket" ? null : sent) as Json | null;
  if (typeof said !== "object" || said === null) return [];
  const { blocks, view } = said as { blocks?: unknown; view?: Json };
  return [
    ...(Array.isArray(blocks) && blocks.length > 0 ? [{ surface: "message", blocks }] : []),
    ...(typeof view === "object" && view !== null ? [{ surface: view.type, view }] : []),
  ];
}
