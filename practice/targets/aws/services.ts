import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { requestUrl } from "../../../src/lib/request-url.ts";
import type { Refusal } from "../../kit/refusal.ts";
import { arcOperations } from "./arc.ts";
import { cloudwatchOperations } from "./cloudwatch.ts";
import { rdsOperations } from "./rds.ts";
import { route53Operations, route53Route } from "./route53.ts";
import { type AwsState, createAwsState } from "./state.ts";
import { stsOperations } from "./sts.ts";
import type { Call, Operation } from "./turn.ts";
import { toXml, type Xml } from "./xml.ts";

export interface Said {
  readonly code: string;
  readonly status: number;
}

const DENIED: Said = { code: "AccessDenied", status: 403 };
const THROTTLED: Said = { code: "ThrottlingException", status: 400 };

/** One service: the name in a signature's scope, how its wire is read and written, and what it can do. */
export interface Service {
  readonly name: string;
  readonly signedAs: string;
  /** How it refuses for want of a permission, and because too much was asked. Each service has its own codes and statuses. */
  readonly denied: Said;
  readonly throttled: Said;
  readonly operations: Readonly<Record<string, Operation>>;
  read(request: IncomingMessage, body: string): Pick<Call, "operation" | "given">;
  answer(response: ServerResponse, operation: string, answer: Xml): void;
  refuse(response: ServerResponse, refusal: Refusal): void;
}

export function servicesOf(state: AwsState): readonly Service[] {
  return [
    query("rds", "rds", "http://rds.amazonaws.com/doc/2014-10-31/", rdsOperations(state)),
    query("sts", "sts", "https://sts.amazonaws.com/doc/2011-06-15/", stsOperations(state)),
    json("cloudwatch", "monitoring", cloudwatchOperations(state), { denied: 400, throttled: 400 }),
    json("route53-recovery-cluster", "route53-recovery-cluster", arcOperations(state), { denied: 403, throttled: 429 }),
    route53(state),
  ];
}

/** What is covered, by service: read from the very tables that answer, so it can't be out of date. */
export function covered(): Readonly<Record<string, readonly string[]>> {
  const nothing = createAwsState("000000000000", { scale: 1, after: () => {}, stop: () => {} });
  return Object.fromEntries(servicesOf(nothing).map((one) => [one.name, Object.keys(one.operations).sort()]));
}

function query(name: string, signedAs: string, xmlns: string, operations: Service["operations"]): Service {
  return {
    name,
    signedAs,
    operations,
    denied: DENIED,
    throttled: THROTTLED,
    read(_request, body) {
      const { Action = "", ...given } = Object.fromEntries(new URLSearchParams(body));
      return { operation: Action, given };
    },
    answer(response, operation, answer) {
      const inner = `<${operation}Result>${toXml(answer)}</${operation}Result>`;
      const id = `<ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata>`;
      xml(response, 200, `<${operation}Response xmlns="${xmlns}">${inner}${id}</${operation}Response>`);
    },
    refuse: (response, refusal) => xmlError(response, xmlns, refusal),
  };
}

function route53(state: AwsState): Service {
  const xmlns = "https://route53.amazonaws.com/doc/2013-04-01/";
  return {
    name: "route53",
    signedAs: "route53",
    operations: route53Operations(state),
    denied: DENIED,
    throttled: THROTTLED,
    read(request, body) {
      const url = requestUrl(request);
      const { operation, given } = route53Route(request.method ?? "", url.pathname);
      return { operation, given: { ...Object.fromEntries(url.searchParams), ...given, body } };
    },
    answer(response, operation, answer) {
      xml(response, 200, `<${operation}Response xmlns="${xmlns}">${toXml(answer)}</${operation}Response>`);
    },
    refuse: (response, refusal) => xmlError(response, xmlns, refusal),
  };
}

function json(
  name: string,
  signedAs: string,
  operations: Service["operations"],
  statuses: { readonly denied: number; readonly throttled: number },
): Service {
  const write = (response: ServerResponse, status: number, body: unknown) =>
    response
      .writeHead(status, { "content-type": "application/x-amz-json-1.0", "x-amzn-requestid": randomUUID() })
      .end(JSON.stringify(body));
  return {
    name,
    signedAs,
    operations,
    denied: { code: "AccessDeniedException", status: statuses.denied },
    throttled: { ...THROTTLED, status: statuses.throttled },
    read(request, body) {
      const operation =
        String(request.headers["x-amz-target"] ?? "")
          .split(".")
          .at(-1) ?? "";
      return { operation, given: JSON.parse(body || "{}") as Record<string, unknown> };
    },
    answer: (response, _operation, answer) => void write(response, 200, answer),
    refuse: (response, { code, message, status }) => void write(response, status, { __type: code, message }),
  };
}

function xml(response: ServerResponse, status: number, body: string): void {
  response
    .writeHead(status, { "content-type": "text/xml", "x-amzn-requestid": randomUUID() })
    .end(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`);
}

/** Route 53's older error documents (`<InvalidChangeBatch><Messages>`) are not understood by the SDK; this one is. */
function xmlError(response: ServerResponse, xmlns: string, { code, message, status }: Refusal): void {
  const type = status >= 500 ? "Receiver" : "Sender";
  const error = toXml({ Error: { Type: type, Code: code, Message: message }, RequestId: randomUUID() });
  xml(response, status, `<ErrorResponse xmlns="${xmlns}">${error}</ErrorResponse>`);
}
