import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import type { Check, Fact } from "../contract.ts";
import { type Done, defineAction } from "../contract.ts";
import { byHand, inverse, undoneBy } from "../undo.ts";
import { sayContainer } from "./container.ts";
import { type EngineLook, lookAtEngine, openEngine, placeOf, projectInput, serviceInput } from "./engine.ts";
import { lookAtExchange, nextStep, type Scene } from "./exchange.ts";
import { engineChecks, stableSeconds, stopSeconds, untilStable } from "./services.ts";

const input = z.strictObject({
  project: projectInput,
  /** A service with one container. */
  service: serviceInput,
  /** The image that ran before, by its content: `registry/api@sha256:…`. A tag may be something else by now. */
  image: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._/:-]*@sha256:[0-9a-f]{64}$/, "has to be an image by digest: name@sha256:…"),
  /** Whether the engine may fetch the image when it does not have it. */
  pull: z.boolean().default(true),
  stopSeconds,
  stableSeconds,
});
type Input = z.infer<typeof input>;

type Seen = EngineLook<Scene>;

/**
 * Puts a container of an earlier image in the place of a service's container: made beside it, the old one stopped and
 * moved aside, the new one named and started, and the old one removed once the new one is healthy. Each request is one
 * the engine refuses or ignores the second time, and each look says how far it got, so an attempt after a crash goes on.
 */
export const rollback = defineAction<Input, Seen>({
  id: "compose.rollback",
  summary: "Run a service of a compose project from the image it had before, by digest",
  input,
  risk: "disruptive",
  service: "interrupts",
  opens: () => true,
  repeat: "guarded",
  budget: { typicalSeconds: 60, warnSeconds: 240, failSeconds: 1200 },
  resources: ({ project, service }) => [`compose:${project.engineId}/${project.project}/${service}`],
  observe: (ctx, given) => lookAtEngine(ctx, given.project, (engine) => lookAtExchange(engine, given)),
  facts: factsOf,
  ready: checksOf,
  done: doneOf,
  async apply(ctx, given) {
    const engine = await openEngine(ctx, given.project);
    for (let last = ""; ; ) {
      const seen = await lookAtExchange(engine, given);
      const step = nextStep(seen, given);
      if (step === null) return { container: seen.current?.id ?? null };
      if (step.says === last) throw withoutEffect(given, last);
      last = step.says;
      ctx.progress(step.says);
      await step.take(ctx, engine);
    }
  },
  verify: async (ctx, given) => {
    const id = given.image.split("@")[1];
    const evidence = await untilStable(
      ctx,
      { project: given.project, services: [given.service] },
      given.stableSeconds,
      (one) => one.image === given.image,
    );
    return { ...evidence, says: `${given.service} runs ${id?.slice(0, 19)}…: ${evidence.says}` };
  },
  undo: undoneBy((before, given) => {
    const image = before.answers ? before.digest : null;
    if (image === null || !given.pull || !input.shape.image.safeParse(image).success)
      return byHand(
        image === null
          ? "The image it ran has no digest: it was built on that machine and never pushed. Build and start it there."
          : `Run ${given.service} from ${image} again.`,
      );
    return inverse("compose.rollback", { ...given, image }, `Run ${given.service} from ${image} again`);
  }),
});

function withoutEffect({ service }: Input, says: string): LifeboatError {
  return new LifeboatError({
    code: "without-effect",
    where: service,
    what: `The engine accepted a request and nothing came of it: ${says}`,
    stateNow: "Nothing else was asked of it",
  });
}

function doneOf(seen: Seen, given: Input): Done {
  if (!seen.answers) return "unknown";
  return seen.wantedImageId !== null && nextStep(seen, given) === null ? "yes" : "no";
}

function factsOf(seen: Seen, { project, service, image }: Input): readonly Fact[] {
  const current = seen.answers ? seen.current : null;
  return [
    { id: "engineAnswers", label: `${placeOf(project)} answers`, value: seen.answers, material: true },
    { id: "image", label: `${service} runs`, value: current?.image ?? null, material: true },
    { id: "digest", label: `${service} by digest`, value: seen.answers ? seen.digest : null, material: false },
    { id: "to", label: `${service} is to run`, value: image, material: true },
    { id: "state", label: service, value: current ? sayContainer(current) : "is not there", material: false },
  ];
}

function checksOf(seen: Seen, given: Input): readonly Check[] {
  const answers = engineChecks(seen, given.project);
  if (!seen.answers) return [answers];
  const { current, old, others, nameless } = seen;
  const there = current !== null || old !== null;
  return [
    answers,
    {
      ...block(
        "service.present",
        there && others === 0,
        there && others === 0
          ? `${given.service} has one container.`
          : there
            ? `${given.service} has ${others + 1} containers; one at a time can be rolled back.`
            : `There is no container of ${given.service}.`,
      ),
      ...(there && { next: "Scale it to one first." }),
    },
    block("image.available", seen.wantedImageId !== null || seen.inRegistry === true, availability(seen, given)),
    {
      ...block(
        "volumes.named",
        nameless.length === 0,
        nameless.length === 0
          ? "Every volume has a name."
          : `${nameless.join(", ")} of ${given.service} is a volume without a name, whose data would be left behind.`,
      ),
      next: "Name it in the compose file first.",
    },
  ];
}

function availability({ wantedImageId, inRegistry }: Scene, { image }: Input): string {
  if (wantedImageId !== null) return `${image} is on the engine.`;
  return inRegistry
    ? `${image} can be fetched from its registry.`
    : `${image} is neither on the engine nor in its registry.`;
}

function block(id: string, ok: boolean, says: string): Check {
  return { id, level: "block", ok, says };
}
