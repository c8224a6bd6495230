import type { Enums } from "./enums.ts";
import type { Member, Structure, Type } from "./model.ts";
import type { Element } from "./xml.ts";

/** Where a value stands, and what is wrong with it. */
export interface Inspection {
  readonly enums: Enums;
  /** Members that a structure always has, beside those its model requires. */
  readonly always: (structure: string) => readonly string[];
  say(where: string, what: string): void;
}

/** A text on the wire, as a simple type writes it. */
export function inspectText(text: string, member: Member, inside: string, where: string, by: Inspection): void {
  const type = member.type();
  if (!isSimple(text, type)) by.say(where, `${JSON.stringify(text)} is no ${type.kind}`);
  const values = by.enums(inside, member.name) ?? by.enums(`_${inside}`, member.name);
  if (values && type.kind === "text" && !values.includes(text)) {
    by.say(where, `${JSON.stringify(text)} is none of ${values.join(", ")}`);
  }
}

function isSimple(text: string, { kind }: Type): boolean {
  if (kind === "boolean") return text === "true" || text === "false";
  if (kind === "number") return text.trim() !== "" && Number.isFinite(Number(text));
  if (kind === "time") return !Number.isNaN(Date.parse(text)) && /^\d{4}-\d\d-\d\dT|^\w{3}, \d\d/.test(text);
  return true;
}

/** The members of a structure that stand in a body, each of them by its name there. */
export function inspectElement(element: Element, type: Structure, where: string, by: Inspection): void {
  inspectMembers(element.children, type.members, { inside: type.name, where, by });
}

interface Place {
  readonly inside: string;
  readonly where: string;
  readonly by: Inspection;
}

export function inspectMembers(children: readonly Element[], members: readonly Member[], place: Place): void {
  const { where, by } = place;
  for (const tag of new Set(children.map((one) => one.tag))) {
    const member = members.find((one) => nameOf(one) === tag);
    const found = children.filter((one) => one.tag === tag);
    if (!member) by.say(`${where}.${tag}`, "there is no such member");
    else inspectMember(found, member, place);
  }
  const always = by.always(place.inside);
  for (const member of members) {
    if (isInHead(member) || children.some(({ tag }) => tag === nameOf(member))) continue;
    if (member.required) by.say(`${where}.${member.name}`, "is required and left out");
    else if (always.includes(member.name)) by.say(`${where}.${member.name}`, "is always sent, and left out");
  }
}

/** What is bound to the head of a request or an answer, and so in no body. */
export function isInHead({ traits }: Member): boolean {
  const { httpLabel, httpQuery, httpHeader, httpPrefixHeaders, httpResponseCode } = traits;
  return [httpLabel, httpQuery, httpHeader, httpPrefixHeaders, httpResponseCode].some((one) => one !== undefined);
}

export function nameOf({ name, traits }: Member): string {
  return traits.xmlName ?? name;
}

function inspectMember(found: readonly Element[], member: Member, { inside, where, by }: Place): void {
  const type = member.type();
  const path = `${where}.${member.name}`;
  if (type.kind === "list" && type.flat) {
    for (const one of found) inspectValue(one, type.of, { inside: type.name, where: path, by }, member);
    return;
  }
  if (found.length > 1) by.say(path, "stands there twice");
  for (const one of found) inspectValue(one, member, { inside, where: path, by });
}

/** @param enumerated the member that says which values are allowed, where it is that of a list */
function inspectValue(element: Element, member: Member, place: Place, enumerated = member): void {
  const { where, by, inside } = place;
  const type = member.type();
  if (type.kind === "structure") return void inspectElement(element, type, where, by);
  if (type.kind === "list") {
    const tag = type.of.traits.xmlName ?? "member";
    for (const one of element.children) {
      if (one.tag !== tag) by.say(`${where}.${one.tag}`, `an item of ${type.name} is called ${tag}`);
      inspectValue(one, type.of, { ...place, where: `${where}[]` }, member);
    }
    return;
  }
  if (type.kind === "map" || type.kind === "document") return;
  if (element.children.length > 0) return void by.say(where, "has elements in it, and should be a simple value");
  inspectText(element.text, { ...member, name: enumerated.name }, inside, where, by);
}

const JSON_TYPES: Partial<Record<Type["kind"], string>> = {
  text: "string",
  bytes: "string",
  boolean: "boolean",
  number: "number",
  time: "number",
};

/** AWS JSON: members by their own names, times as seconds since 1970. */
export function inspectJson(value: unknown, type: Structure, where: string, by: Inspection): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return void by.say(where, "is no object");
  for (const [name, inner] of Object.entries(value)) {
    const member = type.members.find((one) => one.name === name);
    if (!member) by.say(`${where}.${name}`, "there is no such member");
    else inspectJsonValue(inner, member, { inside: type.name, where: `${where}.${name}`, by });
  }
  const always = by.always(type.name);
  for (const { required, name } of type.members) {
    if (name in value) continue;
    if (required) by.say(`${where}.${name}`, "is required and left out");
    else if (always.includes(name)) by.say(`${where}.${name}`, "is always sent, and left out");
  }
}

function inspectJsonValue(value: unknown, member: Member, place: Place): void {
  const { inside, where, by } = place;
  const type = member.type();
  if (type.kind === "structure") return void inspectJson(value, type, where, by);
  if (type.kind === "list") {
    if (!Array.isArray(value)) return void by.say(where, "is no list");
    for (const one of value)
      inspectJsonValue(one, { ...type.of, name: member.name }, { ...place, where: `${where}[]` });
    return;
  }
  const wanted = JSON_TYPES[type.kind];
  if (wanted && typeof value !== wanted) return void by.say(where, `${JSON.stringify(value)} is no ${wanted}`);
  if (type.kind === "text") inspectText(String(value), member, inside, where, by);
}

/** The Query protocol: `Parameters.Parameter.1.ParameterName=…`. Says what is left of the parameters when all are taken. */
export function inspectQuery(given: ReadonlyMap<string, string>, type: Structure, by: Inspection): void {
  const taken = new Set<string>();
  takeStructure(type, "");
  for (const name of given.keys()) if (!taken.has(name)) by.say(name, "there is no such parameter");

  function takeStructure(structure: Structure, prefix: string): void {
    for (const member of structure.members) {
      const key = `${prefix}${nameOf(member)}`;
      if (!take(member, key, structure.name) && member.required) by.say(key, "is required and left out");
    }
  }

  function take(member: Member, key: string, inside: string): boolean {
    const inner = member.type();
    if (inner.kind === "structure") {
      if (![...given.keys()].some((one) => one.startsWith(`${key}.`))) return false;
      takeStructure(inner, `${key}.`);
      return true;
    }
    if (inner.kind === "list") {
      const items = inner.flat ? key : `${key}.${inner.of.traits.xmlName ?? "member"}`;
      let count = 0;
      while (take({ ...inner.of, name: member.name }, `${items}.${count + 1}`, inside)) count += 1;
      return count > 0;
    }
    const text = given.get(key);
    if (text === undefined) return false;
    taken.add(key);
    inspectText(text, member, inside, key, by);
    return true;
  }
}
