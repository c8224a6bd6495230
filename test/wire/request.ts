import type { Exchange } from "./exchange.ts";
import type { Member, Operation, Structure } from "./model.ts";
import type { Service } from "./services.ts";
import {
  type Inspection,
  inspectElement,
  inspectJson,
  inspectMembers,
  inspectQuery,
  inspectText,
  isInHead,
  nameOf,
} from "./shape.ts";
import { parse } from "./xml.ts";

/** What every request of an SDK carries, whatever it is about. */
const ALWAYS = /^x-amz-(date|content-sha256|user-agent|security-token|decoded-content-length|trailer|target|sdk-.*)$/;

const CHECKSUM = /^x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256)$/;

/** Which operation of a service a request asks for, by its model alone; null: none. */
export function operationOf(service: Service, exchange: Exchange): Operation | null {
  const { operations } = service.model;
  if (service.protocol === "query") return operations.get(parameters(exchange).get("Action") ?? "") ?? null;
  if (service.protocol === "json") {
    const [target, name = ""] = (exchange.headers["x-amz-target"] ?? "").split(".");
    return target === service.target ? (operations.get(name) ?? null) : null;
  }
  const found = [...operations.values()].flatMap((one) => {
    const bound = bind(service, one, exchange);
    return bound ? [{ one, fixed: bound.fixed.size }] : [];
  });
  return found.sort((a, b) => b.fixed - a.fixed)[0]?.one ?? null;
}

/** Whether the request is one that the service's model allows. */
export function inspectRequest(service: Service, operation: Operation, exchange: Exchange, by: Inspection): void {
  const { input } = operation;
  if (service.protocol === "query") return void inspectParameters(service, input, exchange, by);
  if (service.protocol === "json") {
    if (!/^application\/x-amz-json-1\.0/.test(exchange.headers["content-type"] ?? ""))
      by.say("Content-Type", "is not AWS JSON 1.0");
    return void inspectJson(jsonOf(exchange.body, by), input, "$", by);
  }
  inspectHead(service, operation, exchange, by);
  inspectBody(input, exchange, by);
}

function inspectParameters(service: Service, input: Structure, exchange: Exchange, by: Inspection): void {
  const given = parameters(exchange);
  if (given.get("Version") !== service.version) by.say("Version", `is not ${service.version}`);
  for (const name of ["Action", "Version"]) given.delete(name);
  inspectQuery(given, input, by);
}

function parameters({ body }: Exchange): Map<string, string> {
  return new Map(new URLSearchParams(body.toString("utf8")));
}

function jsonOf(body: Buffer, by: Inspection): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    by.say("$", "is no JSON");
    return {};
  }
}

interface Bound {
  readonly labels: ReadonlyMap<string, string>;
  /** Query parameters by which the operation is known. */
  readonly fixed: ReadonlySet<string>;
  readonly query: URLSearchParams;
}

function bind(service: Service, { traits, input }: Operation, { method, url }: Exchange): Bound | null {
  const [verb, uri] = traits.http ?? [];
  if (uri === undefined || verb !== method) return null;
  const [path = "", constants = ""] = uri.split("?");
  const { pathname, searchParams: query } = new URL(url, "http://any");
  const fixed = new Map(new URLSearchParams(constants));
  for (const [name, value] of fixed) if (query.get(name) !== value) return null;
  // The model's paths of S3 begin after the bucket, which the SDK's endpoint rules put before them.
  const inBucket = service.client === "client-s3" && input.members.some(({ name }) => name === "Bucket");
  const labels = match(`${inBucket ? "/{Bucket}" : ""}${path}`, pathname);
  return labels && { labels, fixed: new Set(fixed.keys()), query };
}

function match(template: string, path: string): Map<string, string> | null {
  const names: string[] = [];
  const pattern = template
    .replace(/\/$/, "")
    .replace(/[.*?^$()|[\]\\]/g, "\\$&")
    .replace(/\{(\w+)(\+?)\}/g, (_all, name: string, greedy: string) => {
      names.push(name);
      return greedy ? "(.+)" : "([^/]+)";
    });
  const found = new RegExp(`^${pattern}/?$`).exec(path);
  return found && new Map(names.map((name, i) => [name, decodeURIComponent(found[i + 1] ?? "")]));
}

function inspectHead(service: Service, operation: Operation, exchange: Exchange, by: Inspection): void {
  const bound = bind(service, operation, exchange);
  if (!bound) return void by.say(exchange.url, "is not the path of the operation");
  const { members, name: inside } = operation.input;
  const check = (member: Member, text: string | null | undefined, where: string) => {
    if (text !== null && text !== undefined) inspectText(text, member, inside, where, by);
    else if (member.required) by.say(where, "is required and left out");
  };
  for (const member of members) {
    const { httpLabel, httpQuery, httpHeader } = member.traits;
    if (httpLabel) check(member, bound.labels.get(member.name), member.name);
    if (httpQuery) check(member, bound.query.get(httpQuery), `?${httpQuery}`);
    if (httpHeader) check(member, exchange.headers[httpHeader.toLowerCase()], httpHeader);
  }
  for (const name of bound.query.keys()) {
    if (!bound.fixed.has(name) && !members.some(({ traits }) => traits.httpQuery === name)) {
      by.say(`?${name}`, "there is no such parameter");
    }
  }
  const always = operation.traits.httpChecksum ? new RegExp(`${ALWAYS.source}|${CHECKSUM.source}`) : ALWAYS;
  inspectUnknownHeaders(exchange.headers, members, always, by);
}

/** Of the headers only those that are AWS's own can be said to be unknown. */
export function inspectUnknownHeaders(
  headers: Readonly<Record<string, string>>,
  members: readonly Member[],
  always: RegExp,
  by: Inspection,
): void {
  for (const name of Object.keys(headers)) {
    if (!name.startsWith("x-amz") || always.test(name)) continue;
    const known = members.some(
      ({ traits: { httpHeader, httpPrefixHeaders } }) =>
        httpHeader?.toLowerCase() === name ||
        (httpPrefixHeaders !== undefined && name.startsWith(httpPrefixHeaders.toLowerCase())),
    );
    if (!known) by.say(name, "there is no such header");
  }
}

function inspectBody(input: Structure, { body }: Exchange, by: Inspection): void {
  const payload = input.members.find(({ traits }) => traits.httpPayload);
  const inner = payload?.type();
  if (inner && inner.kind !== "structure") return;
  const members = input.members.filter((one) => !isInHead(one));
  const [root, about] = payload && inner ? [nameOf(payload), inner] : [input.traits.xmlName ?? input.name, input];
  if (body.length === 0) {
    const needed = payload ? payload.required : members.some(({ required }) => required);
    if (needed) by.say(root, "is required and left out");
    return;
  }
  if (members.length === 0) return void by.say(root, "there is a body, and the operation has none");
  const document = parse(body.toString("utf8"));
  if (document.tag !== root) by.say(document.tag, `the document is called ${root}`);
  if (payload) inspectElement(document, about, root, by);
  else inspectMembers(document.children, members, { inside: input.name, where: root, by });
}
