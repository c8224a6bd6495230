import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A system that is whole, for what is tested beside it. */
export const shopSystem = `
title: Shop
environment: production
components:
  database: { title: Database, aliases: [db], rto: 10m, rpo: 1m }
regions:
  eu-west-1: { title: Ireland }
roles:
  responder: { title: On-call engineer, explains: You look first. }
  incident-commander: { title: Incident commander, explains: You decide. }
  vp-engineering: { title: VP Engineering, explains: You are asked last., standing: true }
people:
  ada: { name: Ada, slack: [UADA], roles: [responder] }
  ben: { name: Ben, slack: [UBEN], roles: [incident-commander] }
  cleo: { name: Cleo, slack: [UCLEO], roles: [incident-commander] }
  vic: { name: Vic, slack: [UVIC], roles: [vp-engineering] }
severities:
  P0: { title: Down, respondWithin: 15m }
  P1: { title: Hurting, respondWithin: 1h }
  P2: { title: Annoying, respondWithin: 4h }
  P3: { title: Unnoticed, respondWithin: 1d }
escalation:
  database: [{ role: vp-engineering, after: 5m }]
variables:
  primaryHost: { type: string, description: Address of the primary }
  primaryPort: { type: number, description: Port of the primary, default: 5432 }
  standbyHost: { type: string, description: Address of the standby }
`;

export interface Folder {
  readonly path: string;
  remove(): void;
}

/** A folder of the given files under the system's temporary folder: relative path → text. */
export function makeFolder(files: Readonly<Record<string, string>>): Folder {
  const path = mkdtempSync(join(tmpdir(), "lifeboat-catalog-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
