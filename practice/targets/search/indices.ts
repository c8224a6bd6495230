import { jsonOf, type Route } from "../../kit/plain.ts";
import { Refusal } from "../../kit/refusal.ts";
import { addIndex, find, type Index, type SearchClusterState, uuid } from "./state.ts";

const INDEX = "([^_/][^/]*)";

/** The index, alias and document APIs of Elasticsearch and OpenSearch. */
export function indexRoutes(state: SearchClusterState): readonly Route[] {
  return [
    {
      operation: "UpdateAliases",
      method: "POST",
      path: /^\/_aliases$/,
      act(call) {
        const actions = (jsonOf(call).actions ?? []) as readonly AliasAction[];
        const changes = actions.map((one) => changeOf(state, one));
        return {
          body: { acknowledged: true },
          effect() {
            for (const change of changes) change();
          },
        };
      },
    },
    {
      operation: "GetAlias",
      method: "GET",
      path: /^\/_alias\/([^/]+)$/,
      act({ parts: [alias = ""] }) {
        const carrying = [...state.indices.values()].filter((one) => one.aliases.has(alias));
        if (carrying.length === 0) throw new Refusal("aliases_not_found_exception", `alias [${alias}] missing`, 404);
        return { body: Object.fromEntries(carrying.map((one) => [one.name, { aliases: { [alias]: {} } }])) };
      },
    },
    {
      operation: "GetIndex",
      method: "GET",
      path: new RegExp(`^/${INDEX}$`),
      act({ parts: [name = ""] }) {
        const wildcard = name.endsWith("*");
        const found = wildcard
          ? [...state.indices.values()].filter((one) => one.name.startsWith(name.slice(0, -1)))
          : [find(state, name)];
        return { body: Object.fromEntries(found.map((one) => [one.name, described(one)])) };
      },
    },
    {
      operation: "CreateIndex",
      method: "PUT",
      path: new RegExp(`^/${INDEX}$`),
      act({ parts: [name = ""] }) {
        if (state.indices.has(name))
          throw new Refusal("resource_already_exists_exception", `index [${name}] already exists`);
        return { body: { acknowledged: true, index: name }, effect: () => void addIndex(state, name) };
      },
    },
    {
      operation: "DeleteIndex",
      method: "DELETE",
      path: new RegExp(`^/${INDEX}$`),
      act({ parts: [name = ""] }) {
        if (!state.indices.has(name)) {
          if (find(state, name))
            throw new Refusal(
              "illegal_argument_exception",
              `The provided expression [${name}] matches an alias, specify the corresponding concrete indices instead.`,
            );
        }
        return { body: { acknowledged: true }, effect: () => void state.indices.delete(name) };
      },
    },
    ...(["_close", "_open"] as const).map(
      (verb): Route => ({
        operation: verb === "_close" ? "CloseIndex" : "OpenIndex",
        method: "POST",
        path: new RegExp(`^/${INDEX}/${verb}$`),
        act({ parts: [name = ""] }) {
          const index = find(state, name);
          return {
            body: { acknowledged: true },
            effect() {
              index.open = verb === "_open";
            },
          };
        },
      }),
    ),
    {
      operation: "Refresh",
      method: "POST",
      path: new RegExp(`^/${INDEX}/_refresh$`),
      act({ parts: [name = ""] }) {
        usable(state, name);
        return { body: { _shards: { total: 1, successful: 1, failed: 0 } } };
      },
    },
    {
      operation: "Count",
      method: "GET",
      path: new RegExp(`^/${INDEX}/_count$`),
      act({ parts: [name = ""] }) {
        return { body: { count: usable(state, name).docs.size, _shards: { total: 1, successful: 1, failed: 0 } } };
      },
    },
    ...["GET", "POST"].map(
      (method): Route => ({
        operation: "Search",
        method,
        path: new RegExp(`^/${INDEX}/_search$`),
        act({ parts: [name = ""] }) {
          const index = usable(state, name);
          const hits = [...index.docs].slice(-10).map(([_id, _source]) => ({ _index: index.name, _id, _source }));
          return { body: { timed_out: false, hits: { total: { value: index.docs.size, relation: "eq" }, hits } } };
        },
      }),
    ),
    {
      operation: "IndexDocument",
      method: "PUT",
      path: new RegExp(`^/${INDEX}/_doc/([^/]+)$`),
      act(call) {
        const [name = "", id = ""] = call.parts;
        return write(state, name, id, jsonOf(call));
      },
    },
    {
      operation: "IndexDocument",
      method: "POST",
      path: new RegExp(`^/${INDEX}/_doc$`),
      act: (call) => write(state, call.parts[0] ?? "", uuid(), jsonOf(call)),
    },
  ];
}

interface AliasAction {
  readonly add?: { readonly index: string; readonly alias: string };
  readonly remove?: { readonly index: string; readonly alias: string; readonly must_exist?: boolean };
}

function changeOf(state: SearchClusterState, { add, remove }: AliasAction): () => void {
  const one = add ?? remove;
  if (!one) throw new Refusal("x_content_parse_exception", "One of the supported aliases actions must be set");
  const index = state.indices.get(one.index);
  if (!index) throw new Refusal("index_not_found_exception", `no such index [${one.index}]`, 404);
  if (remove?.must_exist && !index.aliases.has(remove.alias)) {
    throw new Refusal("aliases_not_found_exception", `required alias [${remove.alias}] does not exist`, 404);
  }
  return () => void (add ? index.aliases.add(add.alias) : index.aliases.delete(one.alias));
}

function write(state: SearchClusterState, name: string, id: string, doc: unknown) {
  const index = usable(state, name);
  const fresh = !index.docs.has(id);
  return {
    status: fresh ? 201 : 200,
    body: { _index: index.name, _id: id, result: fresh ? "created" : "updated" },
    effect: () => void index.docs.set(id, doc),
  };
}

function usable(state: SearchClusterState, name: string): Index {
  const index = find(state, name);
  if (!index.open) throw new Refusal("index_closed_exception", `closed index [${index.name}]`);
  if (index.restoring) throw new Refusal("search_phase_execution_exception", "all shards failed", 503);
  return index;
}

function described(index: Index) {
  return {
    aliases: Object.fromEntries([...index.aliases].map((alias) => [alias, {}])),
    mappings: {},
    settings: { index: { uuid: index.uuid, number_of_shards: "1", provided_name: index.name } },
  };
}
