import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import type { Action } from "../../src/actions/contract.ts";
import type { Permission } from "../../src/actions/permission.ts";
import { permissionsOf } from "../../src/actions/permissions.ts";
import { record } from "../wire/exchange.ts";
import { inspect } from "../wire/inspect.ts";

/** The action whose code is running. */
const acting = new AsyncLocalStorage<string>();
const STARTED = "http.client.request.start";
/** What actions declared of the inputs they were given, by action. Asked at once: manifests may be gone later. */
const declared = new Map<string, Promise<readonly Permission[]>[]>();

/** The same action; what it asks of AWS or of a cluster is known to be its own. */
export function attributed(action: Action): Action {
  const within =
    <A extends unknown[], R>(work: (ctx: A[0], input: A[1], ...more: never[]) => R) =>
    (...given: A): R => {
      declare(action.id, given[1]);
      return acting.run(action.id, () => work(...(given as unknown as Parameters<typeof work>)));
    };
  return {
    ...action,
    observe: within(action.observe.bind(action)),
    verify: within(action.verify.bind(action)),
    ...(action.apply && { apply: within(action.apply.bind(action)) }),
    ...(action.watch && { watch: { ...action.watch, look: within(action.watch.look.bind(action.watch)) } }),
  };
}

function declare(action: string, input: unknown): void {
  const known = declared.get(action) ?? [];
  declared.set(action, [...known, permissionsOf(action, input).catch(() => [])]);
}

/** What an action declared of the inputs its code was given until now. */
export async function declaredBy(action: string): Promise<readonly Permission[]> {
  return (await Promise.all(declared.get(action) ?? [])).flat();
}

export interface CallsMade {
  /** By action: `rds:DescribeDBInstances`, `kubernetes:patch apps/deployments`. Complete when it resolves. */
  made(): Promise<ReadonlyMap<string, ReadonlySet<string>>>;
  stop(): void;
}

/** Notes which action asked what, of the stand-ins of AWS and Kubernetes in this process: by what really went out. */
export function recordCalls(): CallsMade {
  const made = new Map<string, Set<string>>();
  /** By the id the SDK gives each of its calls. */
  const callers = new Map<string, string>();
  const waiting: Promise<void>[] = [];
  const note = (action: string, call: string) => {
    const calls = made.get(action) ?? new Set();
    made.set(action, calls.add(call));
  };
  const asked = (message: unknown) => {
    const action = acting.getStore();
    if (action === undefined) return;
    const { request } = message as { request: ClientRequest };
    const invocation = request.getHeader("amz-sdk-invocation-id");
    if (typeof invocation === "string") return void callers.set(invocation, action);
    const call = kubernetesCall(request.method, request.path);
    if (call !== null) note(action, call);
  };
  subscribe(STARTED, asked);
  const stop = record((exchange) => {
    const action = callers.get(exchange.headers["amz-sdk-invocation-id"] ?? "");
    if (action === undefined) return;
    waiting.push(inspect(exchange).then((found) => void (found && note(action, found.operation))));
  });
  return {
    async made() {
      await Promise.all(waiting);
      return made;
    },
    stop() {
      unsubscribe(STARTED, asked);
      stop();
    },
  };
}

const PATH =
  /^\/(?:api\/v1|apis\/([a-z0-9.-]+)\/v[a-z0-9]+)(?:\/namespaces\/[^/]+(?=\/))?\/([a-z]+)(?:\/([^/]+)(?:\/([a-z]+))?)?$/;

/** `get /deployments` of a group as RBAC says it; null: not of an API server, or open to everyone. */
export function kubernetesCall(method: string, url: string): string | null {
  const [path = ""] = url.split("?");
  // `system:basic-user` and `system:discovery` let everyone ask these.
  if (path.includes("selfsubjectaccessreviews") || path === "/version") return null;
  const [matches, group = "", resource = "", name, subresource] = PATH.exec(path) ?? [];
  if (matches === undefined) return null;
  const verb =
    method === "GET"
      ? name === undefined
        ? "list"
        : "get"
      : { PATCH: "patch", POST: "create", PUT: "update", DELETE: "delete" }[method];
  if (verb === undefined) return null;
  return `kubernetes:${verb} ${group}/${resource}${subresource ? `/${subresource}` : ""}`;
}
