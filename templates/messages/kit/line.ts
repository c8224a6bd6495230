import type { Plan } from "../../../src/catalog/types.ts";

/** What to type to run a plan's runbook with the same inputs in the same mode: `/dr runbook shop/restore to=… --unplanned`. */
export function lineOf({ system, runbook, mode, inputs = [] }: Plan): string {
  const given = inputs.map(({ name, value }) => `${name}=${quoted(String(value))}`);
  return [`/dr runbook ${system}/${runbook}`, ...given, `--${mode}`].join(" ");
}

/** One word of a line that is typed: in quotes where it has to be. */
export function quoted(value: string): string {
  const plain = value.replace(/\p{Cc}+/gu, " ").slice(0, 250);
  if (!/[\s"'“”„‘«]/.test(plain)) return plain;
  return plain.includes('"') ? `'${plain.replaceAll("'", "’")}'` : `"${plain}"`;
}
