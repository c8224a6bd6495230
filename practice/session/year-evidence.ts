import { join } from "node:path";
import type { Store } from "../../src/timeline/index.ts";
import {
  type Command,
  differing,
  type ExportedPack,
  exportBegun,
  exportEvidence,
  HARMS,
  type Harm,
  harmed,
  verifyEvidence,
} from "./evidence.ts";

/** What an auditor found of the evidence of a year. */
export interface YearEvidence {
  /** The pack of the whole year. */
  readonly folder: string;
  readonly manifestSha256: string;
  /** The operator's, SPKI in base64: what a verifier has beside the pack. */
  readonly publicKey: string;
  /** The verifier found no fault in it. */
  readonly whole: boolean;
  /** What the verifier says of the pack that is whole: how much there is, and what holds it. */
  readonly facts: readonly string[];
  /** The first part of the year, exported right then, and again at its end while both bots were killed. */
  readonly sameAgain: boolean;
  /** What the verifier calls what was done to a copy. */
  readonly harmed: Readonly<Record<Harm, readonly string[]>>;
}

export interface EvidenceParts {
  readonly store: Store;
  readonly lifeboat: Command;
  /** A folder for packs. */
  readonly folder: string;
  /** When the year began. */
  readonly from: Date;
  /** Told of what isn't as it has to be, a sentence each. */
  readonly problem: (says: string) => void;
}

/** A pack of a period that ended before it was exported. */
export interface Part {
  readonly to: Date;
  readonly pack: ExportedPack;
}

export interface AuditOptions {
  readonly now: Date;
  readonly part: Part;
  /** SHA-256 of the checkpoints that stand in Slack: the auditor copied them from there. */
  readonly checkpoints: readonly string[];
  /** Kills both bots and starts them again. */
  readonly killed: () => Promise<void>;
}

export async function exportPart(parts: EvidenceParts, to: Date): Promise<Part> {
  return { to, pack: await exportTo(parts, to, "part") };
}

/**
 * Exports the year as an operator does, and checks it as an auditor: offline, with the verifier and the public key alone. Then the same is
 * done to copies that someone changed.
 */
export async function auditYear(
  parts: EvidenceParts,
  { now, part, checkpoints, killed }: AuditOptions,
): Promise<YearEvidence> {
  const sameAgain = await isSameAgain(parts, part, killed);
  const { folder, manifestSha256 } = await exportTo(parts, now, "year");
  const [publicKey = ""] = parts.store.keyring.publicKeys.values();
  const { whole, problems, facts } = await verifyEvidence(folder, publicKey, checkpoints);
  for (const { code, where, says } of problems) parts.problem(`lifeboat-verify: ${code}: ${where}: ${says}`);
  const found: Partial<Record<Harm, readonly string[]>> = {};
  for (const harm of Object.keys(HARMS) as Harm[]) {
    const copy = join(parts.folder, harm);
    await harmed(folder, harm, copy);
    const codes = [...new Set((await verifyEvidence(copy, publicKey, checkpoints)).problems.map(({ code }) => code))];
    found[harm] = codes;
    if (!codes.includes(HARMS[harm].code))
      parts.problem(`${HARMS[harm].title} is named ${codes.join(", ")} and not ${HARMS[harm].code}`);
  }
  return {
    folder,
    manifestSha256,
    publicKey,
    whole,
    facts,
    sameAgain,
    harmed: found as Record<Harm, readonly string[]>,
  };
}

/** The export goes on while the bots die: it reads the store, and needs none of them. */
async function isSameAgain(parts: EvidenceParts, { to, pack }: Part, killed: () => Promise<void>): Promise<boolean> {
  const out = join(parts.folder, "part-again");
  const over = new AbortController();
  const exporting = exportTo(parts, to, "part-again").finally(() => over.abort());
  exporting.catch(() => {});
  await exportBegun(out, over.signal);
  await killed();
  const again = await exporting;
  if (again.manifestSha256 === pack.manifestSha256) return true;
  const other = await differing(pack.folder, again.folder);
  parts.problem(`The first part of the year, exported again, is another pack: ${other.join(", ")}`);
  return false;
}

function exportTo({ lifeboat, folder, from }: EvidenceParts, to: Date, name: string): Promise<ExportedPack> {
  return exportEvidence(lifeboat, { from, to, out: join(folder, name) });
}
