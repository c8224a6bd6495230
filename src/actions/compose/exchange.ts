import { LifeboatError } from "../../lib/errors.ts";
import type { ApplyContext } from "../contract.ts";
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
import type { Engine, ProjectTarget } from "./engine.ts";

/** What is to run instead of what runs. */
export interface Exchange {
  readonly project: ProjectTarget;
  readonly service: string;
  /** By its content: `registry/api@sha256:…`. */
  readonly image: string;
  readonly pull: boolean;
  readonly stopSeconds: number;
}

/** How far an exchange of a service's container got. */
export interface Scene {
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

const PULL_SECONDS = 600;
const HEALTHY_SECONDS = 120;

/** Only looks. */
export async function lookAtExchange(engine: Engine, given: Exchange): Promise<Scene> {
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

function nameOfNext({ project, service }: Exchange): string {
  return `${project.project}-${service}-lifeboat-next`;
}

function nameOfOld({ project, service }: Exchange): string {
  return `${project.project}-${service}-lifeboat-old`;
}

export interface Step {
  readonly says: string;
  take(ctx: ApplyContext, engine: Engine): Promise<unknown>;
}

/** The one request that comes next, or null when there is nothing left to do. Each is refused or ignored the second time. */
export function nextStep(seen: Scene, given: Exchange): Step | null {
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
function plainName({ project, service }: Exchange): string {
  return `${project.project}-${service}-1`;
}

async function pull(engine: Engine, image: string): Promise<void> {
  const path = `/images/create?fromImage=${encodeURIComponent(image)}`;
  const { bytes } = await engine.send({ method: "POST", path, seconds: PULL_SECONDS });
  // The engine begins with 200 and says at the end that it failed.
  const error = /"error"\s*:\s*"([^"]*)"/.exec(bytes.toString("utf8"))?.[1];
  if (error !== undefined) throw new LifeboatError({ code: "pull-failed", where: image, what: error });
}

async function make(engine: Engine, given: Exchange, model: ContainerView | null, imageId: string): Promise<void> {
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
