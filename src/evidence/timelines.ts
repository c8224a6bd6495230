import { eventText, noHash } from "../timeline/chain.ts";
import type { StoredEvent } from "../timeline/contract.ts";
import type { ExportedStream, ExportReader } from "../timeline/export.ts";
import { csvRow } from "./csv.ts";
import type { PackFolder } from "./folder.ts";

/** One timeline as it stands in the pack. */
export interface PackedTimeline {
  readonly stream: string;
  readonly file: string;
  readonly version: number;
  readonly hash: string;
}

export interface TimelineProblem {
  readonly stream: string;
  readonly version: number;
  readonly says: string;
}

/** What is counted and met while timelines are written. */
export interface Met {
  events: number;
  /** Of those, from before events were authenticated. */
  sealed: number;
  readonly people: Set<string>;
  readonly problems: TimelineProblem[];
}

const PERSON = /person-[0-9a-z]{12}/g;
const LISTED = 20;

/**
 * Writes a timeline as it is stored: each line is exactly what the event's hash is over, so that the SHA-256 of a line is what the next one
 * calls `previousHash`. Beside it, what authenticates the events. `see`: the same events with people as they are known, page by page.
 */
export async function writeTimeline(
  folder: PackFolder,
  reader: ExportReader,
  stream: ExportedStream,
  met: Met,
  see: (events: readonly StoredEvent[]) => Promise<void>,
): Promise<PackedTimeline> {
  const name = fileName(stream.id);
  const lines = await folder.open(`timelines/${name}.jsonl`);
  const codes = await folder.open(`authentication/${name}.csv`);
  await codes.write(csvRow(["version", "hash", "key", "mac"]));
  let last = { version: 0, hash: noHash };
  let problems = 0;
  for await (const page of reader.stored(stream.id, stream.version)) {
    const texts: string[] = [];
    const macs: string[] = [];
    for (const event of page) {
      const says = reader.flaw(event, last);
      if (says !== null && problems++ < LISTED) met.problems.push({ stream: stream.id, version: event.version, says });
      if (!event.mac) met.sealed += 1;
      const text = eventText(event);
      for (const id of text.match(PERSON) ?? []) met.people.add(id);
      texts.push(`${text}\n`);
      macs.push(csvRow([event.version, event.hash, event.macKey ?? null, event.mac ?? null]));
      last = event;
    }
    met.events += page.length;
    await lines.write(texts.join(""));
    await codes.write(macs.join(""));
    await see(await reader.shown(page));
  }
  if (last.version !== stream.version || last.hash !== stream.hash)
    met.problems.push({ stream: stream.id, version: last.version, says: "its last events are missing" });
  await codes.close();
  const { path } = await lines.close();
  return { stream: stream.id, file: path, version: last.version, hash: last.hash };
}

/** Letters, digits, dots and hyphens stand for themselves; anything else is written as its code. */
export function fileName(stream: string): string {
  return stream.replace(/[^A-Za-z0-9.-]/g, (mark) => `_${mark.codePointAt(0)?.toString(16)}_`);
}
