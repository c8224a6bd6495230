import { randomBytes } from "node:crypto";
import { Refusal } from "../../kit/refusal.ts";
import type { AwsState, HealthCheck, RecordSet, Zone } from "./state.ts";
import type { Call, Operation, Turn } from "./turn.ts";
import { child, type Element, items, parseXml, textOf, type Xml } from "./xml.ts";

const PENDING_SECONDS = 35;
const BUSY_SECONDS = 1;

/** Route 53 over REST-XML, 2013-04-01: which operation a method and a path mean. */
export function route53Route(method: string, path: string): { operation: string; given: Record<string, string> } {
  const parts = path
    .replace(/^\/2013-04-01\//, "")
    .split("/")
    .filter(Boolean);
  const [kind, id = "", more = ""] = parts;
  const named = (operation: string) => ({ operation, given: { Id: id } });
  if (kind === "hostedzone" && more === "rrset") {
    return named(method === "POST" ? "ChangeResourceRecordSets" : "ListResourceRecordSets");
  }
  if (kind === "hostedzone" && more === "rrsetprotection" && method === "GET") {
    return named("ListResourceRecordSetProtections");
  }
  if (kind === "change" && method === "GET") return named("GetChange");
  if (kind === "healthcheck" && more === "status") return named("GetHealthCheckStatus");
  if (kind === "healthcheck") return named(method === "POST" ? "UpdateHealthCheck" : "GetHealthCheck");
  return named(`${method} ${path}`);
}

/** `given` holds `Id` from the path, the query's parameters, and `body` as it came. */
export function route53Operations(state: AwsState): Readonly<Record<string, Operation>> {
  return {
    ListResourceRecordSets(call) {
      const from = fullName(unescaped(String(call.given.name ?? "")));
      const sets = [...zoneOf(state, call).records]
        .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
        .filter((set) => from === "." || fullName(set.name) >= from);
      return {
        answer: {
          ResourceRecordSets: items("ResourceRecordSet", sets.map(setXml)),
          IsTruncated: false,
          MaxItems: 300,
        },
      };
    },
    ListResourceRecordSetProtections(call) {
      const { protections } = zoneOf(state, call);
      return {
        answer: {
          ResourceRecordSetProtections: items(
            "ResourceRecordSetProtection",
            protections.map((one) => ({ RecordName: fullName(one.name), RecordType: one.type, Comment: one.comment })),
          ),
        },
      };
    },
    ChangeResourceRecordSets: (call) => change(state, call),
    GetChange(call) {
      const id = String(call.given.Id);
      const found = state.changes.get(id);
      if (!found) throw new Refusal("NoSuchChange", "A change with the specified change ID does not exist.", 404);
      return { answer: { ChangeInfo: { Id: `/change/${id}`, Status: found.status, SubmittedAt: found.at } } };
    },
    GetHealthCheck: (call) => ({ answer: { HealthCheck: checkXml(checkOf(state, call)) } }),
    GetHealthCheckStatus(call) {
      const one = checkOf(state, call);
      const says = one.endpointUp ? "Success: HTTP Status Code 200, OK" : "Failure: Connection timed out.";
      return {
        answer: {
          HealthCheckObservations: items(
            "HealthCheckObservation",
            ["us-east-1", "us-west-2", "eu-west-1"].map((Region) => ({
              Region,
              IPAddress: "192.0.2.1",
              StatusReport: { Status: says, CheckedTime: new Date() },
            })),
          ),
        },
      };
    },
    UpdateHealthCheck(call) {
      const one = checkOf(state, call);
      const body = parseXml(String(call.given.body));
      const version = textOf(body, "HealthCheckVersion");
      if (version !== undefined && Number(version) !== one.version) {
        throw new Refusal("HealthCheckVersionMismatch", "The health check version does not match.", 409);
      }
      const wanted: HealthCheck = {
        ...one,
        version: one.version + 1,
        disabled: flag(textOf(body, "Disabled"), one.disabled),
        inverted: flag(textOf(body, "Inverted"), one.inverted),
      };
      return { answer: { HealthCheck: checkXml(wanted) }, effect: () => void Object.assign(one, wanted) };
    },
  };
}

/** What a health check says: disabled counts as healthy, and inverted turns it round. */
export function isHealthy(state: AwsState, one: HealthCheck): boolean {
  return (one.disabled || isUp(state, one)) !== one.inverted;
}

function isUp(state: AwsState, { children, routingControl, endpointUp }: HealthCheck): boolean {
  if (routingControl !== undefined) return state.controls.get(routingControl) === "On";
  if (children === undefined) return endpointUp;
  return children.every((id) => {
    const child = state.healthChecks.get(id);
    return child !== undefined && isHealthy(state, child);
  });
}

export function fullName(name: string): string {
  return name.endsWith(".") ? name.toLowerCase() : `${name.toLowerCase()}.`;
}

function change(state: AwsState, call: Call): Turn {
  const zone = zoneOf(state, call);
  if (Date.now() < zone.busyUntil) {
    const says = "The request was rejected because Route 53 was still processing a prior request.";
    throw new Refusal("PriorRequestNotComplete", says);
  }
  const batch = child(parseXml(String(call.given.body)), "ChangeBatch");
  const changes = child(batch, "Changes")?.children ?? [];
  let records = zone.records;
  for (const one of changes) {
    const action = textOf(one, "Action");
    const set = setOf(child(one, "ResourceRecordSet"));
    const there = records.find((other) => keyOf(other) === keyOf(set));
    const guard = zone.protections.find((held) => fullName(held.name) === fullName(set.name) && held.type === set.type);
    if (guard) invalid(`${set.name} ${set.type} is protected: ${guard.comment}`);
    if (action === "CREATE" && there) invalid(`Tried to create ${set.name} ${set.type} but it already exists`);
    if (action === "DELETE" && !there) invalid(`Tried to delete ${set.name} ${set.type} but it was not found`);
    if (action === "DELETE" && there && sayingOf(there) !== sayingOf(set))
      invalid(`Tried to delete ${set.name} ${set.type} but the values provided do not match the current values`);
    const others = records.filter((other) => keyOf(other) !== keyOf(set));
    records = action === "DELETE" ? others : [...others, set];
  }
  const id = `C${randomBytes(8).toString("hex").toUpperCase()}`;
  const at = new Date();
  return {
    answer: { ChangeInfo: { Id: `/change/${id}`, Status: "PENDING", SubmittedAt: at } },
    effect() {
      zone.records = records;
      zone.busyUntil = Date.now() + BUSY_SECONDS * 1000 * state.clock.scale;
      state.changes.set(id, { status: "PENDING", at });
      state.clock.after(PENDING_SECONDS, () => {
        zone.served = records;
        state.changes.set(id, { status: "INSYNC", at });
      });
    },
  };
}

function invalid(message: string): never {
  throw new Refusal("InvalidChangeBatch", message);
}

function zoneOf(state: AwsState, call: Call): Zone {
  const found = state.zones.get(String(call.given.Id));
  if (!found) throw new Refusal("NoSuchHostedZone", `No hosted zone found with ID: ${call.given.Id}`, 404);
  return found;
}

function checkOf(state: AwsState, call: Call): HealthCheck {
  const found = state.healthChecks.get(String(call.given.Id));
  if (!found) throw new Refusal("NoSuchHealthCheck", `No health check exists with ID ${call.given.Id}`, 404);
  return found;
}

function keyOf(set: RecordSet): string {
  return [fullName(set.name), set.type, set.setIdentifier ?? ""].join("|");
}

/** All that a record set says, however its values are ordered. */
function sayingOf(set: RecordSet): string {
  const { weight, ttl, failover, healthCheck, values } = set;
  return JSON.stringify([weight, ttl, failover, healthCheck, [...values].sort()]);
}

/** As Route 53 lists names: what is no letter, digit, hyphen, underscore or dot is an octal escape. */
function escaped(name: string): string {
  return name.replace(/[^a-z0-9._-]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function unescaped(name: string): string {
  return name.replace(/\\([0-7]{3})/g, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
}

function setOf(element: Element | undefined): RecordSet {
  const [weight, ttl] = [textOf(element, "Weight"), textOf(element, "TTL")];
  const setIdentifier = textOf(element, "SetIdentifier");
  const failover = textOf(element, "Failover") as RecordSet["failover"];
  const healthCheck = textOf(element, "HealthCheckId");
  return {
    name: unescaped(textOf(element, "Name") ?? ""),
    type: textOf(element, "Type") ?? "",
    ...(setIdentifier ? { setIdentifier } : {}),
    ...(weight !== undefined ? { weight: Number(weight) } : {}),
    ...(failover ? { failover } : {}),
    ...(healthCheck ? { healthCheck } : {}),
    ...(ttl !== undefined ? { ttl: Number(ttl) } : {}),
    values: (child(element, "ResourceRecords")?.children ?? []).map((one) => textOf(one, "Value") ?? ""),
  };
}

function setXml(set: RecordSet): Xml {
  return {
    Name: escaped(fullName(set.name)),
    Type: set.type,
    SetIdentifier: set.setIdentifier,
    Weight: set.weight,
    Failover: set.failover,
    TTL: set.ttl,
    ResourceRecords: items(
      "ResourceRecord",
      set.values.map((Value) => ({ Value })),
    ),
    HealthCheckId: set.healthCheck,
  };
}

function checkXml(one: HealthCheck): Xml {
  return {
    Id: one.id,
    CallerReference: "practice",
    HealthCheckConfig: {
      ...kindOf(one),
      Inverted: one.inverted,
      Disabled: one.disabled,
    },
    HealthCheckVersion: one.version,
  };
}

function kindOf({ routingControl, children }: HealthCheck): Readonly<Record<string, Xml>> {
  if (routingControl) return { Type: "RECOVERY_CONTROL", RoutingControlArn: routingControl };
  if (children)
    return {
      Type: "CALCULATED",
      HealthThreshold: children.length,
      ChildHealthChecks: items("ChildHealthCheck", children),
    };
  return { Type: "HTTPS", FullyQualifiedDomainName: "practice.test", RequestInterval: 10, FailureThreshold: 3 };
}

function flag(text: string | undefined, otherwise: boolean): boolean {
  return text === undefined ? otherwise : text === "true";
}
