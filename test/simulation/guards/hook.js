import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "@swc/core";

/** A loader that gives the simulation a source without one of its guards, also where it runs compiled. Nothing on disk changes. */
let edits = [];
let root = "";

export function initialize(given) {
  ({ edits, root } = given);
}

export async function load(url, context, next) {
  const path = url.split("?")[0];
  const own = edits.filter(
    ({ file }) => path.endsWith(`/${file}`) || path.endsWith(`/${file.replace(/\.ts$/, ".js")}`),
  );
  if (own.length === 0) return next(url, context);
  let source = readFileSync(join(root, own[0].file), "utf8");
  for (const { file, from, to } of own) {
    if (!source.includes(from)) throw new Error(`The guard is not there: ${file} has no ${from}`);
    source = source.replace(from, to);
  }
  const { code } = transformSync(source, {
    jsc: { target: "es2022", parser: { syntax: "typescript" } },
    module: { type: "es6" },
  });
  const isCompiled = path.endsWith(".js");
  const imports = isCompiled ? code.replace(/((?:from|import)\s*\(?\s*"\.[^"]*)\.ts"/g, '$1.js"') : code;
  return { format: "module", source: imports, shortCircuit: true };
}
