/** @type {import("node:module").ResolveHook} */
export async function resolve(specifier, context, next) {
  return next(specifier === "@jest/globals" ? new URL("jest-in-mocha.ts", import.meta.url).href : specifier, context);
}
