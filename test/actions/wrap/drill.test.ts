import { describe, expect, test } from "@jest/globals";
import type { Action, ApplyContext, DrillLimits } from "../../../src/actions/contract.ts";
import { actions } from "../../../src/actions/index.ts";
import { createLog } from "../../../src/lib/log.ts";

/** Every action of the list, none left out: a drill that may not touch something does not, whatever it would have done. */
const all = [...actions.values()].map((action): [string, Action] => [action.id, action]);

const around = {
  signal: new AbortController().signal,
  log: createLog("silent"),
  practice: true,
  evidenceOf: () => null,
  secret: (name: string): string => {
    throw new Error(`The secret ${name} was asked for.`);
  },
  budget: { typicalSeconds: 1, warnSeconds: 1, failSeconds: 1 },
  progress: () => {},
  launched: async () => {},
};

function asDrill(drill: DrillLimits | undefined): ApplyContext {
  return { ...around, kind: "drill", ...(drill && { drill }) };
}

describe.each(all)("%s in a drill", (_, action) => {
  const calls = (ctx: ApplyContext) => [
    () => action.observe(ctx, {}),
    () => action.verify(ctx, {}, null, null),
    ...(action.apply ? [() => action.apply?.(ctx, {}, null)] : []),
    ...(action.watch ? [() => action.watch?.look(ctx, {})] : []),
  ];

  test("neither looks at nor changes what is not the drill's", async () => {
    const why = "This is a drill, and postgres:db-a:5432 belongs to production.";
    for (const call of calls(asDrill(() => why)))
      await expect(call()).rejects.toMatchObject({ problem: { code: "drill-limits", what: why } });
  });

  test("does nothing where no one says what a drill may touch, or whether this is one", async () => {
    const untold = { ...around } as unknown as ApplyContext;
    for (const call of [...calls(asDrill(undefined)), ...calls(untold)])
      await expect(call()).rejects.toMatchObject({ problem: { code: "drill-limits" } });
  });
});

const breaking = all.filter(([, { breaks }]) => breaks !== undefined);

test("what breaks its target on purpose is known as such", () => {
  expect(breaking.map(([id]) => id).sort()).toEqual([
    "compose.kill",
    "kubernetes.exhaust",
    "kubernetes.fail_zone",
    "kubernetes.isolate",
  ]);
});

test.each(breaking)("%s changes nothing in a run that is no drill", async (_, action) => {
  const attempt = action.apply?.({ ...around, kind: "real" }, {}, null);
  await expect(attempt).rejects.toMatchObject({
    problem: { code: "drill-limits", what: expect.stringMatching(/is no drill/) },
  });
});
