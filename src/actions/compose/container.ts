import type { Engine, ProjectTarget } from "./engine.ts";

export const PROJECT = "com.docker.compose.project";
export const SERVICE = "com.docker.compose.service";
/** On a container of ours: the name it is to take, because the one that has it moves aside first. */
export const ROLE = "lifeboat.dev/rollback";
const ONE_OFF = "com.docker.compose.oneoff";

/** One container of a service as it is now. Plain JSON. */
export interface ContainerView {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  /** What it was created from: a tag, or a digest. */
  readonly image: string;
  /** Its image by content: `sha256:…`. */
  readonly imageId: string;
  readonly state: string;
  /** `none` where the image has no health check. */
  readonly health: "none" | "starting" | "healthy" | "unhealthy";
  readonly restartCount: number;
  readonly startedAt: string;
  /** When it was last told to stop, in seconds of the engine's clock: a restart in progress shows here and nowhere else. */
  readonly toldToStop: number | null;
  readonly role: string | null;
}

/** What is read of an inspected container. */
export interface ApiContainer {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly StartedAt: string;
    readonly Health?: { readonly Status: string };
  };
  readonly Config: Readonly<Record<string, unknown>> & {
    readonly Image: string;
    readonly Hostname?: string;
    readonly Labels?: Readonly<Record<string, string>>;
  };
  readonly HostConfig: Readonly<Record<string, unknown>>;
  readonly Mounts?: readonly { readonly Type: string; readonly Name?: string; readonly Destination: string }[];
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
}

const EVENTS_SECONDS = 900;

/** The containers of the services, in the order the services were named and then by name; one-off runs left out. */
export async function readContainers(
  engine: Engine,
  { project }: ProjectTarget,
  services: readonly string[],
): Promise<readonly ContainerView[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${PROJECT}=${project}`] }));
  const listed = await engine.get<readonly { Id: string; Labels: Record<string, string> }[]>(
    `/containers/json?all=1&filters=${filters}`,
  );
  const mine = listed.filter(({ Labels }) => services.includes(Labels[SERVICE] ?? "") && Labels[ONE_OFF] !== "True");
  const stops = await lastStops(
    engine,
    mine.map(({ Id }) => Id),
  );
  const found = await Promise.all(mine.map(({ Id }) => engine.find<ApiContainer>(`/containers/${Id}/json`)));
  return found
    .filter((one) => one !== null)
    .map((one) => viewOf(one, stops.get(one.Id) ?? null))
    .sort((a, b) => services.indexOf(a.service) - services.indexOf(b.service) || (a.name < b.name ? -1 : 1));
}

export function viewOf(one: ApiContainer, toldToStop: number | null): ContainerView {
  return {
    id: one.Id,
    name: one.Name.replace(/^\//, ""),
    service: one.Config.Labels?.[SERVICE] ?? "",
    image: one.Config.Image,
    imageId: one.Image,
    state: one.State.Status,
    health: (one.State.Health?.Status ?? "none") as ContainerView["health"],
    restartCount: one.RestartCount,
    startedAt: one.State.StartedAt,
    toldToStop,
    role: one.Config.Labels?.[ROLE] ?? null,
  };
}

export function isUp({ state, health }: ContainerView): boolean {
  return state === "running" && (health === "none" || health === "healthy");
}

export function sayContainer({ name, state, health }: ContainerView): string {
  return `${name}: ${state}${health === "none" ? "" : `, ${health}`}`;
}

/** Signals of the last quarter of an hour: the engine keeps its newest events and forgets the rest. */
async function lastStops(engine: Engine, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const last = new Map<string, number>();
  if (ids.length === 0) return last;
  const filters = encodeURIComponent(JSON.stringify({ container: ids, event: ["kill"] }));
  const until = engine.now;
  const { bytes } = await engine.send({
    path: `/events?since=${(until - EVENTS_SECONDS).toFixed(3)}&until=${until.toFixed(3)}&filters=${filters}`,
  });
  for (const line of bytes.toString("utf8").split("\n")) {
    if (line.trim() === "") continue;
    const { Actor, time, timeNano } = JSON.parse(line) as { Actor: { ID: string }; time: number; timeNano?: number };
    last.set(Actor.ID, timeNano === undefined ? time : timeNano / 1e9);
  }
  return last;
}
