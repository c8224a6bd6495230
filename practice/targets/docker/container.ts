import { randomBytes } from "node:crypto";
import type { Image } from "./images.ts";
import type { Running } from "./program.ts";

type Tree = Readonly<Record<string, unknown>>;

/** A container as the engine keeps it. */
export interface Container {
  readonly id: string;
  name: string;
  readonly image: Image;
  readonly reference: string;
  readonly config: Tree;
  readonly host: Tree;
  readonly networks: Tree;
  state: "created" | "running" | "exited";
  health: "none" | "starting" | "healthy" | "unhealthy";
  restarts: number;
  startedAt: Date | null;
  finishedAt: Date | null;
  running: Running | null;
  /** Sees that only one thing at a time is done to it. */
  turn: Promise<unknown>;
}

export interface CreateWish {
  readonly Image: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Env?: readonly string[];
  readonly HostConfig?: Tree;
  readonly NetworkingConfig?: { readonly EndpointsConfig?: Tree };
  readonly [key: string]: unknown;
}

/** What was requested, over what the image brings. */
export function containerOf(name: string, image: Image, wish: CreateWish): Container {
  const { HostConfig = {}, NetworkingConfig, ...own } = wish;
  const id = randomBytes(32).toString("hex");
  const brought = image.config as { Env: readonly string[] };
  const named = new Set((own.Env ?? []).map((pair) => pair.split("=")[0]));
  const environment = [...(own.Env ?? []), ...brought.Env.filter((pair) => !named.has(pair.split("=")[0]))];
  return {
    id,
    name,
    image,
    reference: wish.Image,
    config: { ...image.config, Hostname: id.slice(0, 12), ...own, Env: environment },
    host: HostConfig,
    networks: NetworkingConfig?.EndpointsConfig ?? { default: { Aliases: [] } },
    state: "created",
    health: "none",
    restarts: 0,
    startedAt: null,
    finishedAt: null,
    running: null,
    turn: Promise.resolve(),
  };
}

export function labelsOf({ config }: Container): Readonly<Record<string, string>> {
  return (config.Labels ?? {}) as Record<string, string>;
}

export function environmentOf({ config }: Container): Record<string, string> {
  return Object.fromEntries(
    (config.Env as readonly string[]).map((pair) => [pair.split("=")[0] ?? "", pair.slice(pair.indexOf("=") + 1)]),
  );
}

export function portsOf({ host }: Container): readonly number[] {
  const bindings = (host.PortBindings ?? {}) as Record<string, readonly { HostPort?: string }[]>;
  return Object.values(bindings).flatMap((one) => one.flatMap(({ HostPort }) => (HostPort ? [Number(HostPort)] : [])));
}

const NEVER = "0001-01-01T00:00:00Z";

/** `GET /containers/{id}/json` */
export function inspected(one: Container): Tree {
  const { id, name, image, reference, state, health } = one;
  return {
    Id: id,
    Name: `/${name}`,
    Image: image.id,
    RestartCount: one.restarts,
    State: {
      Status: state,
      Running: state === "running",
      StartedAt: one.startedAt?.toISOString() ?? NEVER,
      FinishedAt: one.finishedAt?.toISOString() ?? NEVER,
      ...(health === "none" ? {} : { Health: { Status: health, FailingStreak: 0 } }),
    },
    Config: { ...one.config, Image: reference },
    HostConfig: one.host,
    Mounts: one.host.Mounts ?? [],
    NetworkSettings: { Networks: one.networks },
  };
}

/** A line of `GET /containers/json` */
export function listed(one: Container): Tree {
  const { id, name, image, reference, state } = one;
  return { Id: id, Names: [`/${name}`], Image: reference, ImageID: image.id, Labels: labelsOf(one), State: state };
}
