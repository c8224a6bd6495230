import { z } from "zod";
import { type Check, defineAction, type ReadContext } from "../contract.ts";
import { type Answered, askOnce, expectation } from "../expectation.ts";
import { until } from "../poll.ts";
import { hashNow, runScript, scriptArguments, scriptInput, unchanged } from "../scripts.ts";
import { neverUndone } from "../undo.ts";

const input = z.strictObject({
  script: scriptInput,
  arguments: scriptArguments.default([]),
  timeoutSeconds: z.number().positive().max(3600).default(60),
  /** What the world shows when the script has done its work: an exit code is not evidence. */
  observe: expectation.extend({
    /**
     * A value of the JSON answer, by dotted path, that is another after every run: `restoredAt`. With it the script always runs, and what an
     * earlier run left behind does not count as the effect of this one.
     */
    changes: z.string().min(1).optional(),
  }),
  /** How long after its end the world may take to show it. */
  settleSeconds: z.number().min(0).max(600).default(30),
  /** What this changes, so that no two runs change it at once: `app:orders`. */
  resource: z.string().min(1).optional(),
});
type Input = z.infer<typeof input>;
interface Seen {
  readonly hash: string | null;
  readonly world: Answered;
}

/** Runs a script the system allows, without a shell, and believes only what is seen afterwards. */
export const run = defineAction<Input, Seen>({
  id: "script.run",
  summary: "Run a script the system allows, and see by looking that it had its effect",
  input,
  risk: "disruptive",
  service: "restores",
  opens: () => true,
  endsFence: true,
  arbitrary: true,
  // No one but its author knows what a script does twice, so after an unclear attempt a person decides.
  repeat: "destructive",
  budget: { typicalSeconds: 5, warnSeconds: 60, failSeconds: 4200 },
  resources: ({ script, resource }) => [resource ?? `script:${script.path}`],
  async observe(ctx, given) {
    const [hash, world] = await Promise.all([hashNow(given.script), askEffect(ctx, given)]);
    return { hash, world };
  },
  facts: ({ hash, world }, { script }) => [
    {
      id: "scriptUnchanged",
      label: `Script ${script.name} is as planned`,
      value: hash === script.sha256,
      material: true,
    },
    { id: "effect", label: world.url, value: world.says, material: false },
  ],
  ready: ({ hash, world }, { script }) => [unchanged(script, hash), mayBeAsked(world)],
  done({ world }, { observe }, before) {
    if (!world.met) return "no";
    if (observe.changes === undefined) return "yes";
    return before !== null && isChanged(world, before.world) ? "yes" : "no";
  },
  async apply(ctx, given) {
    const end = await runScript(ctx, given.script, given.arguments, given.timeoutSeconds);
    return { exitCode: end.code, seconds: Math.round(end.seconds * 10) / 10, output: end.output, cut: end.cut };
  },
  async verify(ctx, given, before, handle) {
    const { observe, settleSeconds, script } = given;
    let world: Answered | null = null;
    await until(
      {
        what: `${observe.url} showing the effect of ${script.name}`,
        seconds: settleSeconds,
        everyMilliseconds: 250,
        signal: ctx.signal,
        stateNow: () => `${observe.url} ${world?.says ?? "was not asked"}`,
      },
      async () => {
        world = await askEffect(ctx, given);
        if (!world.met) return null;
        if (observe.changes === undefined || isChanged(world, before.world)) return world;
        world = { ...world, says: `still says ${observe.changes} ${world.value ?? "nothing"}, as before the run` };
        return null;
      },
    );
    const ran = handle === null ? "had no need to run" : `ran for ${String(handle.seconds)} s`;
    return {
      says: `${script.name} ${ran}; ${observe.url} answers as expected.`,
      facts: [{ id: "effect", label: observe.url, value: "as expected", material: false }],
    };
  },
  undo: neverUndone(({ script }) => `What ${script.name} does backwards is not known here.`),
});

function askEffect(ctx: ReadContext, { observe: { changes, ...expected } }: Input): Promise<Answered> {
  return askOnce(ctx, expected, changes);
}

/** Nothing there at all is no sign that something ran. */
function isChanged(now: Answered, before: Answered): boolean {
  return (now.value ?? null) !== null && now.value !== (before.value ?? null);
}

function mayBeAsked(world: Answered): Check {
  return {
    id: "observe.allowed",
    level: "block",
    ok: !world.forbidden,
    says: world.forbidden ? `${world.url}: ${world.says}.` : `${world.url} ${world.says}.`,
  };
}
