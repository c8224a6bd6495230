import type { Knock, Reply } from "../door.ts";
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

/** One request to the Engine API. Knows the paths its README lists and no others; a version before them is ignored. */
export async function answerTo(works: Works, knock: Knock): Promise<Reply> {
  try {
    return await route(works, { ...knock, path: knock.path.replace(/^\/v1\.\d+/, "") });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { status: error.status, body: { message: error.message } };
  }
}

async function route(works: Works, knock: Knock): Promise<Reply> {
  const { method, path, query } = knock;
  const [, kind, rest = ""] = /^\/([a-z_]+)(?:\/(.*))?$/.exec(path) ?? [];
  if (path === "/_ping") return { status: 200, body: "OK" };
  if (path === "/info") return { status: 200, body: { ID: works.id, SystemTime: new Date().toISOString() } };
  if (path === "/version") return { status: 200, body: { Version: "28.2.2", ApiVersion: "1.50" } };
  if (path === "/events") return events(works, query);
  if (kind === "images" && path === "/images/create") return pull(works, query);
  if (kind === "images" && path.endsWith("/json")) return image(works, rest.replace(/\/json$/, ""));
  if (kind === "distribution" && path.endsWith("/json")) return distribution(works, rest.replace(/\/json$/, ""));
  if (kind !== "containers") throw new EngineError(404, "page not found");
  if (path === "/containers/json") return list(works, query);
  if (path === "/containers/create" && method === "POST") {
    const one = works.create(query.get("name") ?? "", knock.json<CreateWish>());
    return { status: 201, body: { Id: one.id, Warnings: [] } };
  }
  const [name = "", verb] = rest.split("/");
  const one = found(works, name);
  if (method === "DELETE") return remove(works, one);
  if (verb === "json") return { status: 200, body: inspected(one) };
  return await act(works, one, verb ?? "", query);
}

async function act(works: Works, one: Container, verb: string, query: URLSearchParams): Promise<Reply> {
  const seconds = Number(query.get("t") ?? 10);
  switch (verb) {
    case "start":
      if (one.state === "running") return { status: 304 };
      await works.start(one);
      return { status: 204 };
    case "stop":
      if (one.state !== "running") return { status: 304 };
      await works.stop(one, seconds);
      return { status: 204 };
    case "restart":
      await works.stop(one, seconds);
      await works.start(one);
      works.tell(one, "restart");
      return { status: 204 };
    case "rename": {
      const name = query.get("name") ?? "";
      const taken = [...works.containers.values()].some((other) => other.name === name);
      if (taken) throw new EngineError(409, `Conflict. The container name "/${name}" is already in use`);
      one.name = name;
      works.tell(one, "rename");
      return { status: 204 };
    }
    default:
      throw new EngineError(404, "page not found");
  }
}

function found(works: Works, name: string): Container {
  const one = works.containers.get(name) ?? [...works.containers.values()].find((each) => each.name === name);
  if (!one) throw new EngineError(404, `No such container: ${name}`);
  return one;
}

function remove(works: Works, one: Container): Reply {
  if (one.state === "running")
    throw new EngineError(409, `cannot remove container "/${one.name}": container is running`);
  works.containers.delete(one.id);
  works.tell(one, "destroy");
  return { status: 204 };
}

function list(works: Works, query: URLSearchParams): Reply {
  const { label = [] } = filtersOf(query);
  const wanted = label.map((one) => one.split("="));
  const all = [...works.containers.values()]
    .filter((one) => query.get("all") === "1" || one.state === "running")
    .filter((one) =>
      wanted.every(([key = "", value]) => (value === undefined ? key in labelsOf(one) : labelsOf(one)[key] === value)),
    );
  return { status: 200, body: all.map(listed) };
}

function events(works: Works, query: URLSearchParams): Reply {
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

function image(works: Works, name: string): Reply {
  const one = works.images.find((each) => isNamed(each, name));
  if (!one) throw new EngineError(404, `No such image: ${name}`);
  return { status: 200, body: { Id: one.id, RepoTags: [one.tag], RepoDigests: [byDigest(one)], Config: one.config } };
}

function distribution(works: Works, name: string): Reply {
  const one = works.registry.find((each) => isNamed(each, name));
  if (!one) throw new EngineError(404, `manifest unknown: ${name}`);
  return { status: 200, body: { Descriptor: { digest: one.digest } } };
}

/** The engine answers 200 at once, and says in the stream that follows whether it got it. */
function pull(works: Works, query: URLSearchParams): Reply {
  const name = query.get("fromImage") ?? "";
  const one = works.registry.find((each) => isNamed(each, name));
  if (!one) return { status: 200, body: `${JSON.stringify({ error: `manifest for ${name} not found` })}\n` };
  if (!works.images.includes(one)) works.images.push(one);
  return { status: 200, body: `${JSON.stringify({ status: `Digest: ${one.digest}` })}\n` };
}
