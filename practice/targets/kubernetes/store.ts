import { randomBytes, randomUUID } from "node:crypto";
import { Refusal } from "../../kit/refusal.ts";
import { apiVersionOf, type Kind } from "./kinds.ts";
import { notFound } from "./refusal.ts";
import { matches } from "./selector.ts";
import { type Draft, same, stamp, type Thing } from "./thing.ts";

/** What etcd and the registry do: names, resource versions, generations. Nothing happens by itself here. */
export interface ObjectStore {
  create(kind: Kind, namespace: string | undefined, draft: Draft, dry?: boolean): Thing;
  find(kind: Kind, namespace: string | undefined, name: string): Thing | undefined;
  /** Throws the API's own 404. */
  get(kind: Kind, namespace: string | undefined, name: string): Thing;
  list(kind: Kind, namespace?: string, selector?: string | null): Thing[];
  /** Writes `next` in the place of what has its name. A resource version that is not the current one is a conflict. */
  write(kind: Kind, next: Thing, dry?: boolean): Thing;
  /** What a controller found out; does not move the generation and is not written when nothing is new. */
  report(kind: Kind, thing: Thing, status: Thing["status"]): void;
  remove(kind: Kind, thing: Thing): void;
  resourceVersion(): string;
}

export function createStore(): ObjectStore {
  const things = new Map<string, Map<string, Thing>>();
  let version = 100;
  const keyOf = (kind: Kind, namespace: string | undefined, name: string) =>
    `${kind.namespaced ? namespace : ""}/${name}`;
  const all = ({ plural }: Kind): Map<string, Thing> =>
    things.get(plural) ?? (things.set(plural, new Map()).get(plural) as Map<string, Thing>);
  const keep = (kind: Kind, thing: Thing): Thing => {
    thing.metadata.resourceVersion = String(++version);
    all(kind).set(keyOf(kind, thing.metadata.namespace, thing.metadata.name), thing);
    return structuredClone(thing);
  };
  const store: ObjectStore = {
    create(kind, namespace, draft, dry = false) {
      const name = draft.metadata.name ?? `${draft.metadata.generateName ?? "x-"}${randomBytes(3).toString("hex")}`;
      if (store.find(kind, namespace, name)) {
        throw new Refusal("AlreadyExists", `${kind.plural} "${name}" already exists`, 409, { name, kind: kind.plural });
      }
      const thing: Thing = {
        ...structuredClone(draft),
        apiVersion: apiVersionOf(kind),
        kind: kind.kind,
        metadata: {
          ...structuredClone(draft.metadata),
          name,
          ...(kind.namespaced && namespace !== undefined ? { namespace } : {}),
          uid: draft.metadata.uid ?? randomUUID(),
          resourceVersion: "0",
          generation: 1,
          creationTimestamp: draft.metadata.creationTimestamp ?? stamp(),
        },
      };
      if (kind.plural === "cronjobs") thing.spec = { suspend: false, ...thing.spec };
      return dry ? thing : keep(kind, thing);
    },
    find(kind, namespace, name) {
      const found = all(kind).get(keyOf(kind, namespace, name));
      return found && structuredClone(found);
    },
    get(kind, namespace, name) {
      const found = store.find(kind, namespace, name);
      if (!found) throw notFound(kind.plural, name);
      return found;
    },
    list(kind, namespace, selector = null) {
      return [...all(kind).values()]
        .filter((thing) => namespace === undefined || thing.metadata.namespace === namespace)
        .filter((thing) => matches(selector, thing.metadata.labels))
        .map((thing) => structuredClone(thing));
    },
    write(kind, next, dry = false) {
      const { namespace, name, resourceVersion } = next.metadata;
      const current = store.get(kind, namespace, name);
      if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion) {
        const what = `Operation cannot be fulfilled on ${kind.plural} "${name}"`;
        throw new Refusal(
          "Conflict",
          `${what}: the object has been modified; please apply your changes to the latest version and try again`,
          409,
        );
      }
      const { uid, generation, creationTimestamp } = current.metadata;
      const moved = !same(current.spec, next.spec);
      const kept: Thing = structuredClone(next);
      kept.metadata = {
        ...kept.metadata,
        uid,
        creationTimestamp,
        generation: moved ? generation + 1 : generation,
        resourceVersion: current.metadata.resourceVersion,
      };
      return dry || same(current, kept) ? kept : keep(kind, kept);
    },
    report(kind, thing, status) {
      const current = store.find(kind, thing.metadata.namespace, thing.metadata.name);
      if (!current || same(current.status, status)) return;
      keep(kind, { ...current, ...(status ? { status: structuredClone(status) } : {}) });
    },
    remove(kind, thing) {
      if (all(kind).delete(keyOf(kind, thing.metadata.namespace, thing.metadata.name))) version++;
    },
    resourceVersion: () => String(version),
  };
  return store;
}
