import { readManifest } from "../catalog/manifest.ts";
import type { Scalar } from "../catalog/reference.ts";
import { readScript } from "../catalog/script.ts";
import type { Runbook, System } from "../catalog/types.ts";
import { hashOf } from "../lib/canonical.ts";
import { messageOf } from "../lib/errors.ts";

export interface DigestParts {
  readonly system: System;
  /** As this installation gives them. */
  readonly values: ReadonlyMap<string, Scalar> | undefined;
  /** Of Lifeboat, which the actions come with. */
  readonly version: string;
}

/**
 * SHA-256 of everything a proof of this runbook is about: its steps, the targets and files of its system, the values of this installation and
 * the version of Lifeboat. Another digest makes the proof stale, at once and without anyone having noticed the edit. The files of the system
 * are read once for all its runbooks.
 */
export function digestsIn({ system, values, version }: DigestParts): (runbook: Runbook) => string {
  const around = ofSystem(system);
  const given = Object.fromEntries(values ?? []);
  return (runbook) => hashOf([version, ofRunbook(runbook), around, given]);
}

/** Catalogue objects don't change; a reload makes new ones. */
const runbooks = new WeakMap<Runbook, string>();

function ofRunbook(runbook: Runbook): string {
  const before = runbooks.get(runbook);
  if (before !== undefined) return before;
  const now = hashOf(JSON.parse(JSON.stringify(runbook)));
  runbooks.set(runbook, now);
  return now;
}

/** People, cadences and the calendar change nothing that a proof looks at. Files are read: they may change under the catalogue. */
function ofSystem({ id, environment, sites, targets = [], variables, scripts, manifests = [] }: System): string {
  return hashOf(
    JSON.parse(
      JSON.stringify({
        ...{ id, environment, sites, targets, variables },
        scripts: scripts.map((one) => fileOf(() => readScript(one))),
        manifests: manifests.map((one) => fileOf(() => readManifest(one))),
      }),
    ),
  );
}

/** A file that is gone is another one. */
function fileOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return { gone: messageOf(error) };
  }
}
