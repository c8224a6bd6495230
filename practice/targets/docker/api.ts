import type { ServerReply, ServerRequest } from "../../kit/server.ts";
import { type Container, type CreateWish, inspected, labelsOf, listed } from "./container.ts";
import type { Works } from "./engine.ts";
import { byDigest, isNamed } from "./images.ts";

/** The engine's own refusal: `{ message }` under a status. */
export class EngineError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** One request to the Engine API. Knows the operations of its table and no others; a version before a path is ignored. */
export async function answerTo(works: Works, request: ServerRequest): Promise<ServerReply> {
  const path = request.path.replace(/^\/v1\.\d+/, "");
  try {
    for (const one of OPERATIONS) {
      const match = one.method === request.method ? one.path.exec(path) : null;
      if (match) return await one.act(works, { ...request, path }, match[1] ?? "");
    }
    throw new EngineError(404, "page not found");
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { status: error.status, body: { message: error.message } };
  }
}

/** Named as the Engine API's own description names them, and read from the very table that answers. */
export function dockerCovered(): readonly string[] {
  return OPERATIONS.map(({ operation }) => operation).sort();
}

interface Operation {
  readonly operation: string;
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: RegExp;
  /** @param name what the path names: a container, an image */
  act(works: Works, request: ServerRequest, name: string): Promise<ServerReply> | ServerReply;
}

const OPERATIONS: readonly Operation[] = [
  { operation: "SystemPing", method: "GET", path: /^\/_ping$/, act: () => ({ status: 200, body: "OK" }) },
  {
    operation: "SystemInfo",
    method: "GET",
    path: /^\/info$/,
    act: ({ id }) => ({ status: 200, body: { ID: id, SystemTime: new Date().toISOString() } }),
  },
  {
    operation: "SystemVersion",
    method: "GET",
    path: /^\/version$/,
    act: () => ({ status: 200, body: { Version: "28.2.2", ApiVersion: "1.50" } }),
  },
  { operation: "SystemEvents", method: "GET", path: /^\/events$/, act: (works, { query }) => events(works, query) },
  {
    operation: "ImageCreate",
    method: "POST",
    path: /^\/images\/create$/,
    act: (works, { query }) => pull(works, query),
  },
  {
    operation: "ImageInspect",
    method: "GET",
    path: /^\/images\/(.+)\/json$/,
    act: (works, _request, name) => image(works, name),
  },
  {
    operation: "DistributionInspect",
    method: "GET",
    path: /^\/distribution\/(.+)\/json$/,
    act: (works, _request, name) => distribution(works, name),
  },
  {
    operation: "ContainerList",
    method: "GET",
    path: /^\/containers\/json$/,
    act: (works, { query }) => list(works, query),
  },
  {
    operation: "ContainerCreate",
    method: "POST",
    path: /^\/containers\/create$/,
    act(works, request) {
      const one = works.create(request.query.get("name") ?? "", request.json<CreateWish>());
      return { status: 201, body: { Id: one.id, Warnings: [] } };
    },
  },
  {
    operation: "ContainerInspect",
    method: "GET",
    path: /^\/containers\/([^/]+)\/json$/,
    act: (works, _request, name) => ({ status: 200, body: inspected(found(works, name)) }),
  },
  {
    operation: "ContainerDelete",
    method: "DELETE",
    path: /^\/containers\/([^/]+)$/,
    act: (works, _request, name) => remove(works, found(works, name)),
  },
  {
    operation: "ContainerStart",
    method: "POST",
    path: /^\/containers\/([^/]+)\/start$/,
    async act(works, _request, name) {
      const one = found(works, name);
      if (one.state === "running") return { status: 304 };
      await works.start(one);
      return { status: 204 };
    },
  },
  {
    operation: "ContainerStop",
    method: "POST",
    path: /^\/containers\/([^/]+)\/stop$/,
    async act(works, { query }, name) {
      const one = found(works, name);
      if (one.state !== "running") return { status: 304 };
      await works.stop(one, secondsIn(query));
      return { status: 204 };
    },
  },
  {
    operation: "ContainerKill",
    method: "POST",
    path: /^\/containers\/([^/]+)\/kill$/,
    async act(works, { query }, name) {
      const one = found(works, name);
      if (!["KILL", "SIGKILL", null].includes(query.get("signal")))
        throw new EngineError(400, `Only SIGKILL is known here, not ${query.get("signal")}`);
      if (one.state !== "running")
        throw new EngineError(409, `cannot kill container: ${one.id}: container ${one.id} is not running`);
      await works.kill(one);
      return { status: 204 };
    },
  },
  {
    operation: "ContainerRestart",
    method: "POST",
    path: /^\/containers\/([^/]+)\/restart$/,
    async act(works, { query }, name) {
      const one = found(works, name);
      await works.stop(one, secondsIn(query));
      await works.start(one);
      works.tell(one, "restart");
      return { status: 204 };
    },
  },
  {
    operation: "ContainerRename",
    method: "POST",
    path: /^\/containers\/([^/]+)\/rename$/,
    act(works, { query }, name) {
      const one = found(works, name);
      const wanted = query.get("name") ?? "";
      const taken = [...works.containers.values()].some((other) => other.name === wanted);
      if (taken) throw new EngineError(409, `Conflict. The container name "/${wanted}" is already in use`);
      one.name = wanted;
      works.tell(one, "rename");
      return { status: 204 };
    },
  },
];

function secondsIn(query: URLSearchParams): number {
  return Number(query.get("t") ?? 10);
}

function found(works: Works, name: string): Container {
  const one = works.containers.get(name) ?? [...works.containers.values()].find((each) => each.name === name);
  if (!one) throw new EngineError(404, `No such container: ${name}`);
  return one;
}

function remove(works: Works, one: Container): ServerReply {
  if (one.state === "running")
    throw new EngineError(409, `cannot remove container "/${one.name}": container is running`);
  works.containers.delete(one.id);
  works.tell(one, "destroy");
  return { status: 204 };
}

function list(works: Works, query: URLSearchParams): ServerReply {
  const { label = [] } = filtersOf(query);
  const wanted = label.map((one) => one.split("="));
  const all = [...works.containers.values()]
    .filter((one) => query.get("all") === "1" || one.state === "running")
    .filter((one) =>
      wanted.every(([key = "", value]) => (value === undefined ? key in labelsOf(one) : labelsOf(one)[key] === value)),
    );
  return { status: 200, body: all.map(listed) };
}

function events(works: Works, query: URLSearchParams): ServerReply {
  const { container, event } = filtersOf(query);
  const [since, until] = [Number(query.get("since") ?? 0), Number(query.get("until") ?? Number.NaN)];
  if (Number.isNaN(until)) throw new EngineError(400, "only events until a moment are known here");
  const due = works.events.filter(
    ({ Action, Actor, timeNano }) =>
      timeNano / 1e9 >= since &&
      timeNano / 1e9 <= until &&
      (!event || event.includes(Action)) &&
      (!container || container.includes(Actor.ID)),
  );
  return { status: 200, body: due.map((one) => `${JSON.stringify(one)}\n`).join("") };
}

function filtersOf(query: URLSearchParams): Readonly<Record<string, readonly string[]>> {
  return JSON.parse(query.get("filters") ?? "{}");
}

function image(works: Works, name: string): ServerReply {
  const one = works.images.find((each) => isNamed(each, name));
  if (!one) throw new EngineError(404, `No such image: ${name}`);
  return { status: 200, body: { Id: one.id, RepoTags: [one.tag], RepoDigests: [byDigest(one)], Config: one.config } };
}

function distribution(works: Works, name: string): ServerReply {
  const one = works.registry.find((each) => isNamed(each, name));
  if (!one) throw new EngineError(404, `manifest unknown: ${name}`);
  return { status: 200, body: { Descriptor: { digest: one.digest } } };
}

/** The engine answers 200 at once, and says in the stream that follows whether it got it. */
function pull(works: Works, query: URLSearchParams): ServerReply {
  const name = query.get("fromImage") ?? "";
  const one = works.registry.find((each) => isNamed(each, name));
  if (!one) return { status: 200, body: `${JSON.stringify({ error: `manifest for ${name} not found` })}\n` };
  if (!works.images.includes(one)) works.images.push(one);
  return { status: 200, body: `${JSON.stringify({ status: `Digest: ${one.digest}` })}\n` };
}
