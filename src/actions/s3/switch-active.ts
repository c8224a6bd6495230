import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { type Check, type Done, defineAction, type Fact, type ReadContext } from "../contract.ts";
import { askOnce, expectation } from "../expectation.ts";
import { until } from "../poll.ts";
import { inverse, undoneBy } from "../undo.ts";
import { answers, type Bucket, bucketInput, type Look, lookInto, nameOf } from "./bucket.ts";
import { probe } from "./probe.ts";
import { holds, settingInput, settingOf, valuesFor } from "./setting.ts";
import type { Read } from "./setting-place.ts";

const input = z.strictObject({
  from: bucketInput,
  to: bucketInput,
  setting: settingInput,
  /** Where objects of our own are put to see that the bucket works, and taken away again. */
  probePrefix: z.string().max(200).default(".lifeboat/"),
  /** What the application itself answers when it uses the new one, where it says so. */
  app: expectation.optional(),
  appSeconds: z.number().min(0).max(600).default(60),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly setting: Read;
  readonly checks: readonly Check[];
  readonly to: Look<object>;
}

/** Tells the application to use another bucket, and sees that bucket take, give back and let go of an object. */
export const switchActive = defineAction<Input, Seen>({
  id: "s3.switch_active",
  summary: "Switch the bucket an application uses, and try the new one",
  input,
  risk: "reversible",
  service: "restores",
  endsFence: true,
  repeat: "guarded",
  budget: { typicalSeconds: 3, warnSeconds: 30, failSeconds: 700 },
  resources: ({ setting }) => [settingOf(setting).resource],
  goesWithout: () => ["from"],
  observe: look,
  facts: factsOf,
  ready: (seen, given) => [
    ...seen.checks,
    ...(seen.setting.version === null ? [] : [asKnown(seen, given)]),
    answers(seen.to, given.to, "bucket.answers"),
  ],
  done({ setting }, given): Done {
    if (setting.version === null) return "unknown";
    if (holds(setting, valuesFor(given.setting, given.to))) return "yes";
    return holds(setting, valuesFor(given.setting, given.from)) ? "no" : "partial";
  },
  async apply(ctx, given, seen) {
    const written = await settingOf(given.setting).write(ctx, seen.setting, valuesFor(given.setting, given.to));
    return written === "moved" ? { refused: "it had been changed since it was looked at" } : {};
  },
  async verify(ctx, given) {
    const { name } = settingOf(given.setting);
    await until(
      { what: `${name} to name ${given.to.bucket}`, seconds: 15, everyMilliseconds: 200, signal: ctx.signal },
      async () => {
        const { setting } = await look(ctx, given);
        return setting.version !== null && holds(setting, valuesFor(given.setting, given.to)) ? true : null;
      },
    );
    await tried(ctx, given.to, given.probePrefix, name);
    const says = `${name} names ${nameOf(given.to)}, which took an object, gave it back and let it go`;
    const app = given.app && (await answersSo(ctx, given, given.app));
    return {
      says: `${says}${app ? `; ${app}` : ""}.`,
      facts: [{ id: "bucket", label: "Bucket in use", value: given.to.bucket, material: false }],
    };
  },
  undo: undoneBy((_before, { app: _app, ...given }) => {
    const { from, to } = given;
    return inverse(
      "s3.switch_active",
      { ...given, from: to, to: from },
      `Use ${nameOf(from)} again, not ${nameOf(to)}`,
      `what was stored in ${nameOf(to)} since, until it is copied to ${nameOf(from)}`,
    );
  }),
});

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const keys = Object.keys(valuesFor(given.setting, given.to));
  const [{ checks, ...setting }, to] = await Promise.all([
    settingOf(given.setting).read(ctx, keys, true),
    lookInto(ctx, given.to, async (s3, about, within) => {
      await s3.listObjectsV2({ ...about, MaxKeys: 1 }, within);
      return {};
    }),
  ]);
  return { setting, checks, to };
}

async function tried(ctx: ReadContext, bucket: Bucket, prefix: string, name: string): Promise<void> {
  try {
    await probe(ctx, bucket, prefix);
  } catch (error) {
    ctx.signal.throwIfAborted();
    const what =
      error instanceof LifeboatError ? error.problem.what : `${(error as Error).name}: ${(error as Error).message}`;
    throw new LifeboatError(
      {
        code: "s3-probe",
        where: nameOf(bucket),
        what: `It does not do what a bucket in use has to: ${what}`,
        stateNow: `${name} names it already`,
        next: "Allow s3:PutObject, s3:GetObject and s3:DeleteObject on the probe prefix, or switch back",
      },
      { cause: error },
    );
  }
}

async function answersSo(
  ctx: ReadContext,
  { appSeconds }: Input,
  expected: z.infer<typeof expectation>,
): Promise<string> {
  let last = "";
  await until(
    {
      what: `${expected.url} to say so`,
      seconds: appSeconds,
      everyMilliseconds: 500,
      signal: ctx.signal,
      stateNow: () => last,
    },
    async () => {
      const answered = await askOnce(ctx, expected);
      last = `${expected.url} ${answered.says}`;
      return answered.met ? true : null;
    },
  );
  return "the application says so too";
}

function factsOf({ setting, to }: Seen, given: Input): Fact[] {
  return [
    { id: "inUse", label: "Bucket in use", value: setting.values[given.setting.keys.bucket] ?? null, material: true },
    { id: "bucketAnswers", label: `${nameOf(given.to)} answers`, value: to.answers, material: true },
  ];
}

function asKnown({ setting }: Seen, given: Input): Check {
  const { name } = settingOf(given.setting);
  const wanted = valuesFor(given.setting, given.from);
  const ok = holds(setting, wanted) || holds(setting, valuesFor(given.setting, given.to));
  const found = Object.entries(wanted)
    .filter(([key, value]) => (setting.values[key] ?? "") !== value)
    .map(([key, value]) => `${key} is ${setting.values[key] ?? "absent"} and not ${value}`);
  return {
    id: "setting.known",
    level: "block",
    ok,
    says: ok ? `${name} says what is known.` : `In ${name} ${found.join(", ")}.`,
  };
}
