import type { Path } from "./fault.ts";
import { manifestsNamed, unreadManifest, withManifests } from "./manifest.ts";
import { referencesIn, resolve, type Scalar, type Scope } from "./reference.ts";
import { scriptNamed, unreadScript, withScript } from "./script.ts";
import type { ActionCard, System } from "./types.ts";

/** What an action says of an input whose references may not have their values yet. Nothing is said of values it had to guess. */
export function inputFaults(
  input: unknown,
  card: ActionCard,
  system: System,
  scope: Scope,
): readonly { readonly path: Path; readonly message: string }[] {
  const references = referencesIn(input);
  if (isUnknownFile(system, input) || references.some(({ name }) => !scope.known.includes(name))) return [];
  const sample = resolve(input, (name) => valueOrSample(name, scope, system));
  const checked = card.checkInput(withManifests(withScript(sample, system, unreadScript), system, unreadManifest));
  if (checked.ok) return [];
  const guessed = references.filter(({ name }) => !scope.values.has(name)).map((reference) => reference.path);
  return checked.errors.filter((error) => !guessed.some((guess) => isUnder(error.path, guess)));
}

/** Said by another rule, and once is enough. */
function isUnknownFile(system: System, input: unknown): boolean {
  const named = scriptNamed(input);
  const manifests = (system.manifests ?? []).map(({ name }) => name);
  return (
    (named !== null && system.scripts.every(({ name }) => name !== named)) ||
    manifestsNamed(input).some((name) => !manifests.includes(name))
  );
}

/**
 * Stands in for a value only an installation can give, so that the rest of an input can be checked. Every name gets
 * another, because an input may demand that two of them differ; nothing is said about the guessed value itself.
 */
function valueOrSample(name: string, { values, samples }: Scope, system: System): Scalar {
  const known = values.get(name) ?? samples?.get(name);
  if (known !== undefined) return known;
  const index = system.variables.findIndex((variable) => `var.${variable.name}` === name);
  const variable = system.variables[index];
  if (variable?.type === "number") return index + 1;
  return variable?.type === "boolean" ? false : (variable?.name ?? name);
}

function isUnder(path: Path, top: Path): boolean {
  return top.every((part, index) => path[index] === part);
}
