import type { Path } from "./fault.ts";
import { manifestsNamed, unreadManifest, withManifests } from "./manifest.ts";
import { referencesIn, resolve } from "./reference.ts";
import { type Scope, sampleOfVariable } from "./scope.ts";
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
  const guessed = references.flatMap(({ name, path }) => {
    if (!scope.values.has(name)) return [path];
    return (scope.guesses?.get(name) ?? []).map((inner) => [...path, ...inner]);
  });
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

/** So that the rest of an input can be checked; nothing is said about the guessed value itself. */
function valueOrSample(name: string, { values, samples }: Scope, system: System): unknown {
  return values.get(name) ?? samples?.get(name) ?? sampleOfVariable(system, name);
}

function isUnder(path: Path, top: Path): boolean {
  return top.every((part, index) => path[index] === part);
}
