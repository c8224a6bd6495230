import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import type { ApplyContext, Check, Fact } from "../contract.ts";
import { type Done, defineAction } from "../contract.ts";
import { until } from "../poll.ts";
import {
  type ApiContainer,
  type ContainerView,
  isUp,
  PROJECT,
  ROLE,
  readContainers,
  SERVICE,
  sayContainer,
  viewOf,
} from "./container.ts";
import { type ApiImage, copyOf, namelessVolumes } from "./copy.ts";
import {
  type Engine,
  type EngineLook,
  lookAtEngine,
  openEngine,
  placeOf,
  projectInput,
  serviceInput,
} from "./engine.ts";
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

interface Scene {
  /** The container that has the service's name. */
  readonly current: ContainerView | null;
  /** Ours, made and not yet in its place. */
  readonly next: ContainerView | null;
  /** What was moved out of the way, and not yet removed. */
  readonly old: ContainerView | null;
  readonly others: number;
  readonly digest: string | null;
  readonly wantedImageId: string | null;
  /** Whether its registry has it; null: not asked, because it is here. */
  readonly inRegistry: boolean | null;
  readonly nameless: readonly string[];
}
type Seen = EngineLook<Scene>;

const PULL_SECONDS = 600;
const HEALTHY_SECONDS = 120;

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
  repeat: "guarded",
  budget: { typicalSeconds: 60, warnSeconds: 240, failSeconds: 1200 },
  resources: ({ project, service }) => [`compose:${project.engineId}/${project.project}/${service}`],
  observe: (ctx, given) => lookAtEngine(ctx, given.project, (engine) => look(engine, given)),
  facts: factsOf,
  ready: checksOf,
  done: doneOf,
  async apply(ctx, given) {
    const engine = await openEngine(ctx, given.project);
    for (let last = ""; ; ) {
      const seen = await look(engine, given);
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
  undo: (before, { service }) =>
    before.answers && before.digest !== null
      ? { possible: true, says: `compose.rollback ${service} to ${before.digest}` }
      : { possible: false, why: "The image it ran has no digest: it was built on that machine and never pushed." },
});

async function look(engine: Engine, given: Input): Promise<Scene> {
  const all = await readContainers(engine, given.project, [given.service]);
  const next = all.find(({ name }) => name === nameOfNext(given)) ?? null;
  const old = all.find(({ name }) => name.startsWith(`${nameOfOld(given)}`)) ?? null;
  const rest = all.filter((one) => one !== next && one !== old);
  const current = rest[0] ?? null;
  const model = current ?? old;
  const inspected = model && (await engine.find<ApiContainer>(`/containers/${model.id}/json`));
  const running = model && (await engine.find<ApiImage>(`/images/${encodeURIComponent(model.imageId)}/json`));
  const wanted = await engine.find<ApiImage>(`/images/${encodeURIComponent(given.image)}/json`);
  return {
    current,
    next,
    old,
    others: rest.length - (current ? 1 : 0),
    digest: running?.RepoDigests?.[0] ?? null,
    wantedImageId: wanted?.Id ?? null,
    inRegistry: wanted || !given.pull ? null : await registryHas(engine, given.image),
    nameless: inspected ? namelessVolumes(inspected) : [],
  };
}

async function registryHas(engine: Engine, image: string): Promise<boolean> {
  const { status } = await engine.send({ path: `/distribution/${image}/json` }, [401, 403, 404, 500]);
  return status === 200;
}

function nameOfNext({ project, service }: Input): string {
  return `${project.project}-${service}-lifeboat-next`;
}

function nameOfOld({ project, service }: Input): string {
  return `${project.project}-${service}-lifeboat-old`;
}

interface Step {
  readonly says: string;
  take(ctx: ApplyContext, engine: Engine): Promise<unknown>;
}

/** The one request that comes next, or null when there is nothing left to do. */
function nextStep(seen: Scene, given: Input): Step | null {
  const { current, next, old, wantedImageId } = seen;
  const { service, image, stopSeconds: wait } = given;
  const post = (says: string, path: string, also: readonly number[] = [], seconds = wait + 20): Step => ({
    says,
    take: (_ctx, engine) => engine.send({ method: "POST", path, seconds }, also),
  });
  if (wantedImageId === null) {
    return { says: `${service}: fetching ${image}`, take: (_ctx, engine) => pull(engine, image) };
  }
  if (current?.image === image) {
    if (current.state !== "running") return post(`${current.name}: starting`, `/containers/${current.id}/start`, [304]);
    if (!old) return null;
    if (!isUp(current))
      return {
        says: `${current.name}: waiting until it is healthy`,
        take: (ctx, engine) => untilUp(ctx, engine, current),
      };
    return {
      says: `${old.name}: removing it, the new one is healthy`,
      take: (_ctx, engine) => engine.send({ method: "DELETE", path: `/containers/${old.id}` }, [404]),
    };
  }
  if (!next) {
    const model = current ?? old;
    return {
      says: `${service}: making a container of ${image}`,
      take: (_ctx, engine) => make(engine, given, model, wantedImageId),
    };
  }
  if (!current) {
    return post(
      `${next.name}: giving it the service's name`,
      `/containers/${next.id}/rename?name=${next.role ?? plainName(given)}`,
    );
  }
  if (current.state === "running" || current.state === "restarting") {
    return post(`${current.name}: stopping`, `/containers/${current.id}/stop?t=${wait}`, [304]);
  }
  const aside = `${nameOfOld(given)}-${current.id.slice(0, 12)}`;
  return post(`${current.name}: moving it aside as ${aside}`, `/containers/${current.id}/rename?name=${aside}`);
}

/** How compose names a service's only container, unless the file says otherwise. */
function plainName({ project, service }: Input): string {
  return `${project.project}-${service}-1`;
}

async function pull(engine: Engine, image: string): Promise<void> {
  const path = `/images/create?fromImage=${encodeURIComponent(image)}`;
  const { bytes } = await engine.send({ method: "POST", path, seconds: PULL_SECONDS });
  // The engine begins with 200 and says at the end that it failed.
  const error = /"error"\s*:\s*"([^"]*)"/.exec(bytes.toString("utf8"))?.[1];
  if (error !== undefined) throw new LifeboatError({ code: "pull-failed", where: image, what: error });
}

function withoutEffect({ service }: Input, says: string): LifeboatError {
  return new LifeboatError({
    code: "without-effect",
    where: service,
    what: `The engine accepted a request and nothing came of it: ${says}`,
    stateNow: "Nothing else was asked of it",
  });
}

async function make(engine: Engine, given: Input, model: ContainerView | null, imageId: string): Promise<void> {
  if (!model)
    throw new LifeboatError({ code: "no-container", where: given.service, what: "There is no container to copy" });
  const container = await engine.get<ApiContainer>(`/containers/${model.id}/json`);
  const oldImage = await engine.find<ApiImage>(`/images/${encodeURIComponent(container.Image)}/json`);
  const wish = copyOf(container, oldImage ?? { Id: container.Image }, given.image, imageId);
  const labels = {
    ...(wish.Labels as object),
    [PROJECT]: given.project.project,
    [SERVICE]: given.service,
    [ROLE]: model === null || model.name.startsWith(nameOfOld(given)) ? plainName(given) : model.name,
  };
  const path = `/containers/create?name=${nameOfNext(given)}`;
  await engine.send({ method: "POST", path, json: { ...wish, Labels: labels } });
}

async function untilUp(ctx: ApplyContext, engine: Engine, { id, name }: ContainerView): Promise<void> {
  let state = "";
  await until(
    {
      what: `${name} to be healthy`,
      seconds: Math.min(HEALTHY_SECONDS, ctx.budget.failSeconds / 2),
      everyMilliseconds: 250,
      signal: ctx.signal,
      stateNow: () => `${state}. The container it replaces is stopped and kept`,
    },
    async () => {
      const now = viewOf(await engine.get<ApiContainer>(`/containers/${id}/json`), null);
      state = sayContainer(now);
      return isUp(now) ? now : null;
    },
  );
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
    block(
      "service.present",
      there && others === 0,
      there && others === 0
        ? `${given.service} has one container.`
        : there
          ? `${given.service} has ${others + 1} containers. One at a time can be rolled back: scale it to one first.`
          : `There is no container of ${given.service}.`,
    ),
    block("image.available", seen.wantedImageId !== null || seen.inRegistry === true, availability(seen, given)),
    block(
      "volumes.named",
      nameless.length === 0,
      nameless.length === 0
        ? "Every volume has a name."
        : `${nameless.join(", ")} of ${given.service} is a volume without a name, whose data would be left behind. Name it in the compose file first.`,
    ),
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
