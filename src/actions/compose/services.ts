import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import type { ApplyContext, Check, Done, Evidence, Fact, ReadContext } from "../contract.ts";
import { until } from "../poll.ts";
import { type ContainerView, isUp, readContainers, sayContainer } from "./container.ts";
import {
  type EngineLook,
  lookAtEngine,
  openEngine,
  type ProjectTarget,
  placeOf,
  projectInput,
  serviceInput,
} from "./engine.ts";

export const services = z.array(serviceInput).min(1).max(50);
/** How long running containers have to stay as they are before it counts: a crash loop looks well in between. */
export const stableSeconds = z.number().min(0).max(600).default(30);
/** How long a container may take to stop before it is killed. */
export const stopSeconds = z.number().int().min(0).max(600).default(10);

export const servicesInput = z.strictObject({ project: projectInput, services });

export type Seen = EngineLook<{ readonly containers: readonly ContainerView[] }>;
export interface Services {
  readonly project: ProjectTarget;
  readonly services: readonly string[];
}

/** Held alone: each service by itself. */
export function servicesHeld({ project, services: named }: Services): readonly string[] {
  return named.map((service) => `compose:${project.engineId}/${project.project}/${service}`);
}

/** Whether every service has containers, and all of them are so. */
export function allDone(seen: Seen, { services: named }: Services, isSo: (one: ContainerView) => boolean): Done {
  if (!seen.answers) return "unknown";
  const all = named.every((service) => seen.containers.some((one) => one.service === service));
  return all && seen.containers.every(isSo) ? "yes" : "no";
}

export function lookAtServices(ctx: ReadContext, { project, services: named }: Services): Promise<Seen> {
  return lookAtEngine(ctx, project, async (engine) => ({ containers: await readContainers(engine, project, named) }));
}

export function factsOf(seen: Seen, { project }: Services): readonly Fact[] {
  return [
    { id: "engineAnswers", label: `${placeOf(project)} answers`, value: seen.answers, material: true },
    ...(seen.answers ? seen.containers : []).flatMap((one) => [
      { id: `state:${one.name}`, label: one.name, value: one.state, material: false },
      { id: `health:${one.name}`, label: `${one.name} health`, value: one.health, material: false },
      { id: `image:${one.name}`, label: `${one.name} image`, value: one.image, material: true },
    ]),
  ];
}

export function engineChecks(seen: EngineLook<object>, project: ProjectTarget): Check {
  const says = seen.answers ? `${placeOf(project)} answers.` : `${placeOf(project)}: ${seen.why}.`;
  return { id: "engine.answers", level: "block", ok: seen.answers, says };
}

/** The engine answers, and every service has a container. */
export function presentChecks(seen: Seen, { project, services: named }: Services): readonly Check[] {
  if (!seen.answers) return [engineChecks(seen, project)];
  const missing = named.filter((service) => !seen.containers.some((one) => one.service === service));
  const says =
    missing.length === 0
      ? "Every service has a container."
      : `There is no container of ${missing.join(", ")} in ${project.project}.`;
  return [
    engineChecks(seen, project),
    {
      id: "services.present",
      level: "block",
      ok: missing.length === 0,
      says,
      next: "Create it with docker compose first.",
    },
  ];
}

/** Everything up and healthy, and then the same containers, started no second time, after `seconds`. */
export async function untilStable(
  ctx: ApplyContext,
  given: Services,
  seconds: number,
  also: (one: ContainerView) => boolean = () => true,
): Promise<Evidence> {
  const before = await untilAll(ctx, given, "up and healthy", (one) => isUp(one) && also(one));
  if (seconds > 0) ctx.progress(`Everything is up; looking again in ${seconds} s`);
  await sleep(seconds * 1000, undefined, { signal: ctx.signal });
  const after = await readNow(ctx, given);
  const moved = before.filter((old) => {
    const now = after.find(({ id }) => id === old.id);
    return !now || !isUp(now) || now.startedAt !== old.startedAt || now.restartCount !== old.restartCount;
  });
  if (moved.length > 0) throw unstable(given, moved, after);
  return {
    says: `${after.map(sayContainer).join("; ")}; the same for ${seconds} s.`,
    facts: [
      ...factsOf({ answers: true, containers: after }, given),
      ...after.map(({ name, restartCount }) => ({
        id: `restarts:${name}`,
        label: `${name} restarts`,
        value: restartCount,
        material: false,
      })),
    ],
  };
}

/** Polls until every container is as wanted; an engine that does not answer in between is asked again. */
export async function untilAll(
  ctx: ApplyContext,
  given: Services,
  what: string,
  wanted: (one: ContainerView) => boolean,
): Promise<readonly ContainerView[]> {
  let state = "Nothing was seen yet";
  return await until(
    {
      what: `${given.services.join(", ")} to be ${what}`,
      seconds: ctx.budget.failSeconds * 0.8,
      everyMilliseconds: 250,
      signal: ctx.signal,
      stateNow: () => state,
    },
    async () => {
      const seen = await lookAtServices(ctx, given);
      state = seen.answers ? seen.containers.map(sayContainer).join("; ") : seen.why;
      if (!seen.answers) return null;
      const all = given.services.every((service) => seen.containers.some((one) => one.service === service));
      return all && seen.containers.every(wanted) ? seen.containers : null;
    },
  );
}

async function readNow(ctx: ApplyContext, given: Services): Promise<readonly ContainerView[]> {
  return await readContainers(await openEngine(ctx, given.project), given.project, given.services);
}

function unstable({ project }: Services, moved: readonly ContainerView[], after: readonly ContainerView[]) {
  return new LifeboatError({
    code: "not-stable",
    where: placeOf(project),
    what: `${moved.map(({ name }) => name).join(", ")} did not stay up: it was started again or went down while it was watched`,
    stateNow: after.map(sayContainer).join("; "),
    next: "Read its logs, correct the cause, or roll it back to an image that ran",
  });
}
