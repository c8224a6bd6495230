import { z } from "zod";
import { runbookSchema, systemSchema } from "./schema.ts";

/**
 * JSON Schema for editors, named by the `# yaml-language-server: $schema=` comment of a file, so that keys complete and
 * mistakes show while they are typed. Committed in `templates/systems/`; a test holds it against `schema.ts`.
 */
export const jsonSchemas: Readonly<Record<string, () => string>> = {
  "system.schema.json": () => textOf(systemSchema, "Lifeboat system", "system.schema.json"),
  "runbook.schema.json": () => textOf(runbookSchema, "Lifeboat runbook", "runbook.schema.json"),
};

/** Under which others may refer to them; where a file says `$schema=`, it is the copy beside it that is read. */
const PUBLIC = "https://lifeboat.dev/schemas";

function textOf(schema: z.ZodType, title: string, name: string): string {
  // Draft 7 is what the YAML language server reads best; `input`, because people write `10m` where Lifeboat reads 600.
  const { $schema, ...body } = z.toJSONSchema(schema, { io: "input", target: "draft-7" });
  return `${JSON.stringify({ $schema, $id: `${PUBLIC}/${name}`, title, ...body }, null, 2)}\n`;
}
