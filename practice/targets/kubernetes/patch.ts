import { isDeepStrictEqual } from "node:util";
import { Refusal } from "../../kit/refusal.ts";
import { invalid } from "./refusal.ts";
import type { Tree } from "./thing.ts";

/** The patched object, or a refusal. `current` is left as it is. */
export function patched(contentType: string, current: Tree, body: unknown): Tree {
  switch (contentType.split(";")[0]?.trim()) {
    case "application/merge-patch+json":
      return merged(current, body) as Tree;
    case "application/strategic-merge-patch+json":
      return mergedByName(current, body) as Tree;
    case "application/json-patch+json":
      return stepped(current, body);
    default:
      throw new Refusal("UnsupportedMediaType", "the body of the request was in an unknown format", 415);
  }
}

/** RFC 7386. */
export function merged(current: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return structuredClone(patch);
  const out: Tree = isTree(current) ? { ...current } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = merged(out[key], value);
  }
  return out;
}

/** A merge in which lists of named things are merged by name, as containers and their variables are. */
export function mergedByName(current: unknown, patch: unknown): unknown {
  if (Array.isArray(patch) && Array.isArray(current) && patch.every(isNamed)) {
    const out = [...current];
    for (const one of patch) {
      const at = out.findIndex((other) => isNamed(other) && other.name === one.name);
      if (at < 0) out.push(structuredClone(one));
      else out[at] = mergedByName(out[at], one);
    }
    return out;
  }
  if (!isTree(patch)) return structuredClone(patch);
  const out: Tree = isTree(current) ? { ...current } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = mergedByName(out[key], value);
  }
  return out;
}

/** RFC 6902: add, replace, remove, test; all or nothing. A failed test is 422, as the API server says it. */
function stepped(current: Tree, body: unknown): Tree {
  if (!Array.isArray(body)) throw new Refusal("BadRequest", "a JSON patch is a list of operations", 400);
  const out = structuredClone(current);
  for (const operation of body as { op: string; path: string; value?: unknown }[]) step(out, operation);
  return out;
}

function step(root: Tree, { op, path, value }: { op: string; path: string; value?: unknown }): void {
  const keys = path
    .slice(1)
    .split("/")
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  const last = keys.pop() as string;
  let at: unknown = root;
  for (const key of keys) at = (at as Tree | undefined)?.[key];
  if (typeof at !== "object" || at === null) throw invalid(`the server rejected our request: no path ${path}`);
  const parent = at as Tree;
  if (op !== "add" && !Object.hasOwn(parent, last)) throw invalid(`the server rejected our request: no path ${path}`);
  if (op === "test") {
    if (!isDeepStrictEqual(parent[last], value))
      throw invalid(`the server rejected our request: testing ${path} failed`);
  } else if (op === "remove") delete parent[last];
  else if (op === "add" || op === "replace") parent[last] = structuredClone(value);
  else throw new Refusal("BadRequest", `unexpected kind of patch operation: ${op}`, 400);
}

/** The leaves a manifest sets, as dotted paths: what its manager owns afterwards. */
export function leaves(value: unknown, path = ""): string[] {
  if (!isTree(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === "" ? key : `${path}.${key}`));
}

export function leafAt(value: unknown, path: string): unknown {
  if (!isTree(value)) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (path === key) return inner;
    if (path.startsWith(`${key}.`)) return leafAt(inner, path.slice(key.length + 1));
  }
  return undefined;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNamed(value: unknown): value is { name: string } {
  return isTree(value) && typeof value.name === "string";
}
