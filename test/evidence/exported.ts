import { type ExportRequest, exportPack } from "../../src/evidence/export.ts";
import { openAudit } from "../../src/timeline/audit.ts";
import { quiet } from "../support/postgres.ts";
import { testKeys } from "../support/record-keys.ts";

/** A pack of a store, as `lifeboat evidence export` writes it where no catalogue is; nothing is kept on the machine beside it. */
export async function exportedFrom(databaseUrl: string, request: ExportRequest) {
  const audit = await openAudit({
    ...{ databaseUrl, dataFolder: "/nonexistent", stateFolder: null, keys: testKeys, log: quiet },
  });
  try {
    const { pool, keyring, seals } = audit;
    const parts = { pool, keyring, seals, catalog: { systems: [], runbooks: [] }, practice: false, version: "0.0.0" };
    return await exportPack(request, parts);
  } finally {
    await audit.close();
  }
}
