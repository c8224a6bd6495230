import { ALWAYS_SENT, COMMON_ERRORS } from "./always.ts";
import type { Answer, Exchange } from "./exchange.ts";
import type { Operation, Structure } from "./model.ts";
import { inspectUnknownHeaders } from "./request.ts";
import type { Service } from "./services.ts";
import { type Inspection, inspectElement, inspectJson, inspectMembers, inspectText, isInHead } from "./shape.ts";
import { type Element, parse } from "./xml.ts";

const ALWAYS = /^x-amzn?-(request-?id|id-2)$/;

/** Whether the answer is one that the service could give: nothing invented, nothing left out. */
export function inspectAnswer(service: Service, operation: Operation, exchange: Exchange, given: Inspection): void {
  const { answer } = exchange;
  if (!answer) return;
  if (answer.status >= 300) return void inspectRefusal(service, exchange, answer, given);
  const by: Inspection = { ...given, always: (structure) => ALWAYS_SENT[structure]?.members ?? [] };
  const { output } = operation;
  if (service.protocol === "json") return void inspectJson(jsonOf(answer), output, "$", by);
  if (service.protocol === "query") return void inspectResult(operation, answer, by);
  inspectStatus(operation, exchange, answer, by);
  inspectHead(output, answer, by);
  inspectBody(output, answer, by);
}

function jsonOf({ body }: Answer): unknown {
  return JSON.parse(body.toString("utf8") || "{}");
}

function inspectResult({ name, output }: Operation, answer: Answer, by: Inspection): void {
  const document = parse(answer.body.toString("utf8"));
  if (document.tag !== `${name}Response`) by.say(document.tag, `the document is called ${name}Response`);
  const [result, meta, ...more] = document.children;
  if (result?.tag !== `${name}Result` || meta?.tag !== "ResponseMetadata" || more.length > 0) {
    return void by.say(document.tag, `has ${document.children.map(({ tag }) => tag).join(", ")} in it`);
  }
  if (!meta.children.some(({ tag }) => tag === "RequestId")) by.say("ResponseMetadata", "has no RequestId");
  inspectElement(result, output, `${name}Result`, by);
}

function inspectStatus({ traits }: Operation, { headers }: Exchange, answer: Answer, by: Inspection): void {
  const wanted = headers.range === undefined ? traits.http?.[2] : 206;
  if (wanted !== undefined && answer.status !== wanted) by.say("status", `${answer.status} is not ${wanted}`);
}

function inspectHead({ members, name }: Structure, { headers }: Answer, by: Inspection): void {
  for (const member of members) {
    const { httpHeader } = member.traits;
    if (httpHeader === undefined) continue;
    const text = headers[httpHeader.toLowerCase()];
    if (text !== undefined) inspectText(text, member, name, httpHeader, by);
    else if (member.required) by.say(httpHeader, "is required and left out");
  }
  inspectUnknownHeaders(headers, members, ALWAYS, by);
  for (const header of ALWAYS_SENT[name]?.headers ?? [])
    if (headers[header] === undefined) by.say(header, "is always sent, and left out");
}

function inspectBody(output: Structure, answer: Answer, by: Inspection): void {
  const payload = output.members.find(({ traits }) => traits.httpPayload);
  const inner = payload?.type();
  if (inner && inner.kind !== "structure") return;
  const members = output.members.filter((one) => !isInHead(one));
  if (answer.body.length === 0) {
    if (payload || members.some(({ required }) => required)) by.say("body", "is left out");
    return;
  }
  if (members.length === 0) return void by.say("body", "the operation answers without one");
  const document = parse(answer.body.toString("utf8"));
  const root = output.traits.xmlName;
  if (root !== undefined && document.tag !== root) by.say(document.tag, `the document is called ${root}`);
  if (inner) return void inspectElement(document, inner, document.tag, by);
  // S3's one answer whose document is itself its value.
  if (output.name === "GetBucketLocationOutput") return;
  inspectMembers(document.children, members, { inside: output.name, where: document.tag, by });
}

/** A refusal is one that the model names, or one of those that all services have; under the status that goes with it. */
function inspectRefusal(service: Service, { method }: Exchange, answer: Answer, by: Inspection): void {
  if (method === "HEAD") {
    if (answer.body.length > 0) by.say("body", "a HEAD is answered without one");
    return;
  }
  const code = codeOf(service, answer);
  const isS3 = service.client === "client-s3";
  const status = service.model.errors.get(code) ?? COMMON_ERRORS[isS3 ? "s3" : service.protocol][code];
  if (status === undefined) by.say(code, "there is no such error");
  // S3's model gives no status of its own for most of its errors.
  else if (status !== answer.status && !(isS3 && COMMON_ERRORS.s3[code] === answer.status)) {
    by.say(code, `comes with ${status}, not with ${answer.status}`);
  }
}

function codeOf(service: Service, answer: Answer): string {
  if (service.protocol === "json") {
    const { __type = "" } = jsonOf(answer) as { __type?: string };
    return __type.split("#").at(-1) ?? "";
  }
  const document = parse(answer.body.toString("utf8"));
  const error = document.tag === "Error" ? document : document.children.find(({ tag }) => tag === "Error");
  return textIn(error, "Code");
}

function textIn(element: Element | undefined, tag: string): string {
  return element?.children.find((one) => one.tag === tag)?.text ?? "";
}
