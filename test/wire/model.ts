/**
 * The service models that ship with AWS's SDKs, read from the schemas of `@aws-sdk/client-*`: the operations of a
 * service, and of every structure its members, types and required ones. Read here by itself, so that what the
 * SDK leniently leaves out while it writes and reads is seen.
 *
 * A schema is a number (a simple type, 64 more for a list of it, 128 more for a map), or a tuple that begins with its kind; a member
 * is a pair of a schema and its traits; a traits number is a set of bits.
 */
export type Type =
  | { readonly kind: "text" | "number" | "boolean" | "time" | "bytes" | "document" | "nothing" }
  | { readonly kind: "list"; readonly name: string; readonly of: Member; readonly flat: boolean }
  | { readonly kind: "map"; readonly of: Member }
  | Structure;

export interface Structure {
  readonly kind: "structure";
  readonly name: string;
  readonly traits: Traits;
  readonly members: readonly Member[];
}

export interface Member {
  readonly name: string;
  readonly required: boolean;
  readonly traits: Traits;
  /** Read when it is needed: structures contain themselves. */
  readonly type: () => Type;
}

export interface Traits {
  readonly http?: readonly [method: string, path: string, status: number];
  /** Whatever checksums the SDK adds, as headers that no member describes. */
  readonly httpChecksum?: unknown;
  readonly httpLabel?: 1;
  readonly httpQuery?: string;
  readonly httpHeader?: string;
  readonly httpPrefixHeaders?: string;
  readonly httpPayload?: 1;
  readonly httpError?: number;
  readonly httpResponseCode?: 1;
  readonly awsQueryError?: readonly [code: string, status: number];
  readonly xmlName?: string;
  readonly xmlFlattened?: 1;
  readonly xmlAttribute?: 1;
}

export interface Operation {
  readonly name: string;
  readonly traits: Traits;
  readonly input: Structure;
  readonly output: Structure;
}

export interface Model {
  readonly operations: ReadonlyMap<string, Operation>;
  /** Status by the code that stands in an answer. */
  readonly errors: ReadonlyMap<string, number>;
}

const BITS = [
  "httpLabel",
  "idempotent",
  "idempotencyToken",
  "sensitive",
  "httpPayload",
  "httpResponseCode",
  "httpQueryParams",
];
const [SIMPLE, LIST, MAP, STRUCTURE, ERROR, UNION, OPERATION] = [0, 1, 2, 3, -3, 4, 9];
const [A_LIST, A_MAP] = [64, 128];

export function modelOf(exported: Readonly<Record<string, unknown>>): Model {
  const schemas = Object.entries(exported).flatMap(([name, value]) =>
    name.endsWith("$") && Array.isArray(value) ? [value as unknown[]] : [],
  );
  const operations = schemas
    .filter(([kind]) => kind === OPERATION)
    .map(([, , name, traits, input, output]): [string, Operation] => [
      String(name),
      { name: String(name), traits: traitsOf(traits), input: structureOf(input), output: structureOf(output) },
    ]);
  const errors = schemas
    .filter(([kind]) => kind === ERROR)
    .map(([, , name, given]): [string, number] => {
      const { awsQueryError, httpError = 400 } = traitsOf(given);
      return awsQueryError ? [awsQueryError[0], awsQueryError[1]] : [String(name), httpError];
    });
  return { operations: new Map(operations), errors: new Map(errors) };
}

function structureOf(schema: unknown): Structure {
  const type = typeOf(schema);
  return type.kind === "structure" ? type : { kind: "structure", name: "Unit", traits: {}, members: [] };
}

const known = new Map<unknown, Type>();

function typeOf(given: unknown): Type {
  const schema = typeof given === "function" ? (given as () => unknown)() : given;
  const there = known.get(schema);
  if (there) return there;
  const type = read(schema);
  known.set(schema, type);
  return type;
}

function read(schema: unknown): Type {
  if (schema === "unit") return { kind: "nothing" };
  if (typeof schema === "number") return simple(schema);
  if (!Array.isArray(schema)) throw new Error(`Not a schema: ${JSON.stringify(schema)}`);
  // A member within a member: its type is what counts here.
  if (schema.length === 2) return typeOf(schema[0]);
  const [kind, , name, traits, ...rest] = schema as unknown[];
  if (kind === SIMPLE) return typeOf(rest[0]);
  if (kind === LIST) return { kind: "list", name: String(name), of: memberOf("member", rest[0]), flat: false };
  if (kind === MAP) return { kind: "map", of: memberOf("value", rest[1]) };
  if (kind !== STRUCTURE && kind !== ERROR && kind !== UNION) throw new Error(`Schema of an unknown kind ${kind}`);
  const [names, types, required = 0] = rest as [readonly string[], readonly unknown[], number?];
  const members = names.map((one, i) => ({ ...memberOf(one, types[i]), required: i < required }));
  return { kind: "structure", name: String(name), traits: traitsOf(traits), members };
}

function simple(code: number): Type {
  const [one, of] = [{ kind: "text" } as const, code & 0b11_1111];
  if (code >= A_MAP) return { kind: "map", of: memberOf("value", of) };
  if (code >= A_LIST) return { kind: "list", name: "List", of: memberOf("member", of), flat: false };
  if (code === 0) return one;
  if (code === 1 || code === 17 || code === 19) return { kind: "number" };
  if (code === 2) return { kind: "boolean" };
  if (code >= 4 && code <= 7) return { kind: "time" };
  if (code === 21 || code === 42) return { kind: "bytes" };
  if (code === 15) return { kind: "document" };
  throw new Error(`Schema of an unknown type ${code}`);
}

function memberOf(name: string, given: unknown): Member {
  const pair = Array.isArray(given) && given.length === 2;
  const traits = traitsOf(pair ? given[1] : 0);
  const schema = pair ? given[0] : given;
  return { name, required: false, traits, type: () => flattened(typeOf(schema), traits) };
}

function flattened(type: Type, { xmlFlattened }: Traits): Type {
  return type.kind === "list" && xmlFlattened ? { ...type, flat: true } : type;
}

function traitsOf(given: unknown): Traits {
  if (typeof given === "object" && given !== null) return given;
  const bits = Number(given ?? 0);
  return Object.fromEntries(BITS.flatMap((name, i) => ((bits >> i) & 1 ? [[name, 1]] : [])));
}
