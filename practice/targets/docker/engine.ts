import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { FaultSwitches } from "../../kit/faults.ts";
import { type Heard, openServer } from "../../kit/server.ts";
import { answerTo, EngineError } from "./api.ts";
import { type Container, type CreateWish, containerOf, environmentOf, labelsOf, portsOf } from "./container.ts";
import { type Image, type ImageWish, imageOf, isNamed } from "./images.ts";

/** One line of `GET /events`. */
export interface EngineEvent {
  readonly Type: "container";
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: { readonly name: string } };
  readonly time: number;
  readonly timeNano: number;
}

/** A Docker engine of this machine, whose containers are real listeners and processes. */
export interface PracticeDocker {
  readonly socket: string;
  readonly id: string;
  readonly faults: FaultSwitches;
  readonly ledger: readonly Heard[];
  writes(): readonly Heard[];
  forget(): void;
  /** What `docker compose up` leaves behind: a running container of a service. Its image is brought along. */
  up(wish: ServiceWish): Promise<Container>;
  /** An image only its registry has. */
  publish(wish: ImageWish): Image;
  container(name: string): Container | undefined;
  containers(): readonly Container[];
  /** The program ends by itself; the engine starts it again, as `restart: unless-stopped` says. */
  crash(name: string): Promise<void>;
  close(): Promise<void>;
}

export interface ServiceWish {
  readonly project: string;
  readonly service: string;
  readonly image: ImageWish;
  readonly ports?: readonly number[];
  readonly environment?: readonly string[];
  /** `{ Type: "volume", Name, Destination }` */
  readonly mounts?: readonly Readonly<Record<string, unknown>>[];
  /** Left created and not started. */
  readonly stopped?: boolean;
}

/** What the API does with an engine. */
export interface Works {
  readonly id: string;
  readonly containers: Map<string, Container>;
  readonly images: Image[];
  readonly registry: Image[];
  readonly events: EngineEvent[];
  create(name: string, wish: CreateWish): Container;
  start(one: Container): Promise<void>;
  stop(one: Container, seconds: number): Promise<void>;
  /** SIGKILL: nothing is asked of the program, and the engine leaves it down as one that was stopped by hand. */
  kill(one: Container): Promise<void>;
  tell(one: Container, action: string): void;
}

export interface DockerOptions {
  readonly socket: string;
  /** How long a program takes to stop, in real milliseconds: a restart is in progress that long. */
  readonly stopMilliseconds?: number;
}

const HEALTH_MS = 60;

export async function createDocker({ socket, stopMilliseconds = 20 }: DockerOptions): Promise<PracticeDocker> {
  const containers = new Map<string, Container>();
  const images: Image[] = [];
  const registry: Image[] = [];
  const events: EngineEvent[] = [];
  const works: Works = {
    id: randomUUID(),
    containers,
    images,
    registry,
    events,
    create(name, wish) {
      const image = images.find((one) => isNamed(one, wish.Image));
      if (!image) throw new EngineError(404, `No such image: ${wish.Image}`);
      if ([...containers.values()].some((one) => one.name === name)) {
        throw new EngineError(409, `Conflict. The container name "/${name}" is already in use`);
      }
      const one = containerOf(name, image, wish);
      containers.set(one.id, one);
      works.tell(one, "create");
      return one;
    },
    start: (one) => inTurn(one, () => begin(one)),
    stop: (one, seconds) => inTurn(one, () => end(one, (running) => running.stop(seconds))),
    kill: (one) => inTurn(one, () => end(one, (running) => running.kill?.() ?? running.stop(0))),
    tell(one, Action) {
      const now = Date.now();
      const Actor = { ID: one.id, Attributes: { name: one.name } };
      events.push({ Type: "container", Action, Actor, time: Math.floor(now / 1000), timeNano: now * 1e6 });
      if (events.length > 256) events.shift();
    },
  };

  async function begin(one: Container): Promise<void> {
    if (one.state === "running") return;
    const about = { name: one.name, service: labelsOf(one)["com.docker.compose.service"] ?? "", image: one.reference };
    try {
      one.running = await one.image.program({ ...about, environment: environmentOf(one), ports: portsOf(one) });
    } catch (error) {
      throw new EngineError(500, `failed to start: ${(error as Error).message}`);
    }
    one.state = "running";
    one.startedAt = new Date();
    one.health = one.config.Healthcheck ? "starting" : "none";
    works.tell(one, "start");
  }

  async function end(
    one: Container,
    how: (running: NonNullable<Container["running"]>) => Promise<void>,
  ): Promise<void> {
    if (one.state !== "running") return;
    works.tell(one, "kill");
    await pause(stopMilliseconds);
    if (one.running) await how(one.running);
    one.running = null;
    one.state = "exited";
    one.health = "none";
    one.finishedAt = new Date();
    works.tell(one, "die");
    works.tell(one, "stop");
  }

  const beat = setInterval(() => {
    for (const one of containers.values()) {
      if (one.state !== "running" || !one.running || one.health === "none") continue;
      void Promise.resolve(one.running.healthy()).then(
        (well) => {
          if (one.state === "running")
            one.health = well ? "healthy" : one.health === "starting" ? "starting" : "unhealthy";
        },
        () => {},
      );
    }
  }, HEALTH_MS);

  const server = await openServer({
    socket,
    isWrite: ({ method }) => method !== "GET" && method !== "HEAD",
    answer: (request) => answerTo(works, request),
  });
  return {
    socket,
    id: works.id,
    faults: server.faults,
    ledger: server.ledger,
    writes: server.writes,
    forget: server.forget,
    async up({ project, service, image, ports = [], environment = [], mounts = [], stopped = false }) {
      const own = imageOf(image);
      if (!images.some((one) => one.id === own.id)) images.push(own);
      const one = works.create(`${project}-${service}-1`, {
        Image: image.tag,
        Env: environment,
        Labels: {
          "com.docker.compose.project": project,
          "com.docker.compose.service": service,
          "com.docker.compose.container-number": "1",
          "com.docker.compose.oneoff": "False",
        },
        HostConfig: {
          RestartPolicy: { Name: "unless-stopped" },
          PortBindings: Object.fromEntries(ports.map((port) => [`${port}/tcp`, [{ HostPort: String(port) }]])),
          Mounts: mounts,
        },
      });
      if (!stopped) await works.start(one);
      return one;
    },
    publish(wish) {
      const image = imageOf(wish);
      registry.push(image);
      return image;
    },
    container: (name) => [...containers.values()].find((one) => one.name === name),
    containers: () => [...containers.values()],
    async crash(name) {
      const one = [...containers.values()].find((each) => each.name === name);
      if (!one) throw new TypeError(`No container ${name}`);
      await inTurn(one, async () => {
        await one.running?.stop(0);
        one.running = null;
        one.state = "exited";
        works.tell(one, "die");
        one.restarts += 1;
        await begin(one);
      });
    },
    async close() {
      clearInterval(beat);
      await server.close();
      await Promise.all([...containers.values()].map((one) => inTurn(one, async () => one.running?.stop(0))));
    },
  };
}

/** One thing after the other, as an engine does to a container. */
async function inTurn<T>(one: Container, work: () => Promise<T>): Promise<T> {
  const mine = one.turn.then(work, work);
  one.turn = mine.catch(() => {});
  return await mine;
}
