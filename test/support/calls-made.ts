import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import { afterAll, beforeAll, expect } from "@jest/globals";
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

/** What IAM calls what an operation needs, where it isn't the operation's own name. Empty: nothing, or what everyone has. */
const IAM: Readonly<Record<string, readonly string[]>> = {
  "sts:GetCallerIdentity": [],
  "monitoring:GetMetricData": ["cloudwatch:GetMetricData"],
  "s3:ListObjectsV2": ["s3:ListBucket"],
  "s3:HeadObject": ["s3:GetObject"],
  "s3:GetBucketReplication": ["s3:GetReplicationConfiguration"],
  "s3:CreateMultipartUpload": ["s3:PutObject"],
  "s3:UploadPart": ["s3:PutObject"],
  "s3:CompleteMultipartUpload": ["s3:PutObject"],
};

/** What AWS or an API server asks for beside the call that was made: no request shows it. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  "rds:CreateDBInstanceReadReplica": ["rds:AddTagsToResource"],
  "rds:RestoreDBInstanceToPointInTime": ["rds:AddTagsToResource", "rds:ListTagsForResource"],
  "rds:RestoreDBInstanceFromDBSnapshot": ["rds:AddTagsToResource", "rds:ListTagsForResource"],
  "rds:DeleteDBInstance": ["rds:CreateDBSnapshot"],
};

/**
 * Holds what actions declare for their policies against what this file's tests saw them ask of AWS and of clusters: nothing is asked that
 * isn't declared; and of the actions named, nothing is declared that is never asked. To be called once, at the top.
 *
 * @param whole actions of which this file shows every call
 * @param never what is declared, and can't be asked: of a kind that no cluster knows
 */
export function holdPermissions(whole: readonly string[], never: RegExp = /^$/): void {
  let calls: CallsMade;
  beforeAll(() => {
    calls = recordCalls();
  });
  afterAll(() => calls.stop());
  afterAll(async () => {
    const made = await calls.made();
    expect([...made.keys()]).toEqual(expect.arrayContaining([...whole]));
    for (const [action, asked] of made) {
      const needs = new Set([...asked].flatMap((call) => IAM[call] ?? [call]).map(inRbac));
      const beside = new Set([...asked].flatMap((call) => BESIDE[call] ?? []));
      const said = new Set((await Promise.all(declared.get(action) ?? [])).flat().map(sayPermission));
      // A server-side apply of what isn't there is a patch on the wire, and a creation to RBAC.
      if (action === "kubernetes.apply")
        for (const one of needs)
          if (one.startsWith("kubernetes:patch ")) beside.add(one.replace(":patch ", ":create "));
      expect([action, "asks", [...needs].filter((one) => !said.has(one))]).toEqual([action, "asks", []]);
      if (whole.includes(action))
        expect([
          action,
          "declares",
          [...said].filter((one) => !needs.has(one) && !beside.has(one) && !never.test(one)),
        ]).toEqual([action, "declares", []]);
    }
  });
}

function inRbac(call: string): string {
  return call.replace(" /", " ");
}

function sayPermission(one: Permission): string {
  if (one.of === "aws") return one.action;
  return `kubernetes:${one.verb} ${one.group === "" ? "" : `${one.group}/`}${one.resource}`;
}
