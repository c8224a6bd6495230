import { DBOS } from "@dbos-inc/dbos-sdk";
import type { Around } from "./around.ts";

/** The work of P3 as a workflow of DBOS: each call a step with its checkpoint, on a PostgreSQL of the same kind. */
export async function openDbos(around: Around, steps: number, call: () => Promise<void>): Promise<() => Promise<void>> {
  const silent = () => {};
  DBOS.setConfig({
    name: "bench",
    systemDatabaseUrl: await around.database(),
    logger: { debug: silent, info: silent, warn: silent, error: silent },
    runAdminServer: false,
  });
  const workflow = DBOS.registerWorkflow(
    async () => {
      for (let n = 1; n <= steps; n++) await DBOS.runStep(call, { name: `s${n}` });
    },
    { name: "twenty" },
  );
  await DBOS.launch();
  around.later(() => DBOS.shutdown());
  return workflow;
}
