import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const VAULT = `title: Vault
environment: production
components: { database: { title: Vault, rto: 10m, rpo: 1m } }
roles: { incident-commander: { title: Incident commander, explains: You decide. } }
people: { iris: { name: Iris Chen, slack: [UIRIS7], roles: [incident-commander] } }
severities:
  P0: { title: Down, respondWithin: 15m }
  P1: { title: Hurting, respondWithin: 1h }
  P2: { title: Annoying, respondWithin: 4h }
  P3: { title: Unnoticed, respondWithin: 1d }
`;

/**
 * The smallest system a bot outside practice starts with, in a catalogue of its own.
 *
 * @param more further lines of its `system.yml`
 * @returns for LIFEBOAT_SYSTEMS
 */
export async function productionSystem(folder: string, more = ""): Promise<string> {
  const systems = join(folder, "systems");
  await mkdir(join(systems, "vault"), { recursive: true });
  await writeFile(join(systems, "vault", "system.yml"), VAULT + more);
  return systems;
}
