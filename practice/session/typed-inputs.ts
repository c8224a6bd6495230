/** ` node=worker-3 to="10m ago"`: as it is typed behind a runbook's id. */
export function typedInputs(inputs: Readonly<Record<string, string>>): string {
  return Object.entries(inputs)
    .map(([name, value]) => ` ${name}=${/\s/.test(value) ? `"${value}"` : value}`)
    .join("");
}
