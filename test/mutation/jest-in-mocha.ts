import { createRequire } from "node:module";

/** What tests of pure rooms use of Jest, over Mocha's own globals; `expect` and `each` are Jest's. */
const require = createRequire(import.meta.url);
const { jestExpect } = require("@jest/expect") as { readonly jestExpect: unknown };
const each = (require("jest-each") as { readonly bind: (test: unknown, takesDone: boolean) => unknown }).bind;

type Run = (...args: unknown[]) => unknown;
const mocha = globalThis as unknown as Readonly<Record<"it" | "describe" | "before" | "after", Run>> & {
  readonly beforeEach: Run;
  readonly afterEach: Run;
};

const run = (name: string, work: () => unknown) => mocha.it(name, work);
const group = (name: string, work: () => unknown) => mocha.describe(name, work);

export const expect = jestExpect;
export const test = Object.assign(run, { each: each(run, false) });
export const it = test;
export const describe = Object.assign(group, { each: each(group, false) });
export const beforeAll = mocha.before;
export const afterAll = mocha.after;
export const { beforeEach, afterEach } = mocha;
