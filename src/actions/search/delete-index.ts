import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { type Check, type Done, defineAction, type ReadContext } from "../contract.ts";
import { until } from "../poll.ts";
import { neverUndone } from "../undo.ts";
import {
  answers,
  answersFact,
  change,
  clusterInput,
  get,
  getIfThere,
  indexName,
  type Look,
  lookAt,
  resourceOf,
  SearchRefusal,
} from "./cluster.ts";

const input = z.strictObject({ cluster: clusterInput, index: indexName });
type Input = z.infer<typeof input>;

interface Found {
  /** Null when there is no such index. */
  readonly uuid: string | null;
  readonly aliases: readonly string[];
  readonly count: number | null;
}
type Seen = Look<Found>;

/** Deletes an index nothing points at any more: the one that was found, by its own id, and no namesake. */
export const deleteIndex = defineAction<Input, Seen>({
  id: "search.delete_index",
  summary: "Delete a search index that no alias points at",
  input,
  risk: "irreversible",
  service: "aside",
  repeat: "destructive",
  budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 60 },
  resources: ({ cluster, index }) => [resourceOf(cluster, index)],
  observe: look,
  facts: (seen, { cluster, index }) => [
    answersFact(seen, cluster),
    { id: "uuid", label: index, value: seen.answers ? seen.uuid : null, material: true },
    { id: "aliases", label: "Aliases", value: seen.answers ? seen.aliases.join(", ") : null, material: true },
    { id: "count", label: "Documents", value: seen.answers ? seen.count : null, material: false },
  ],
  ready: checksOf,
  done(seen, _given, before): Done {
    if (!seen.answers) return "unknown";
    if (seen.uuid === null) return "yes";
    if (before === null) return "no";
    return before.answers && before.uuid === seen.uuid ? "no" : "unknown";
  },
  async apply(ctx, { cluster, index }, seen) {
    const now = await look(ctx, { cluster, index });
    const same = now.answers && seen.answers && now.uuid === seen.uuid && now.aliases.length === 0;
    if (!same) {
      throw new LifeboatError({
        code: "index-changed",
        where: index,
        what: "It is not as it was when it was looked at",
        stateNow: "Nothing was deleted",
      });
    }
    try {
      await change(ctx, cluster, "DELETE", `/${index}`);
      return {};
    } catch (error) {
      if (!(error instanceof SearchRefusal && error.status === 404)) throw error;
      return { refused: "it was gone already" };
    }
  },
  async verify(ctx, given) {
    await until(
      { what: `${given.index} to be gone`, seconds: 30, everyMilliseconds: 200, signal: ctx.signal },
      async () => {
        const seen = await look(ctx, given);
        return seen.answers && seen.uuid === null ? true : null;
      },
    );
    return { says: `${given.index} is deleted.`, facts: [] };
  },
  undo: neverUndone(({ index }) => `${index} can only be restored from a snapshot that holds it.`),
});

async function look(ctx: ReadContext, { cluster, index }: Input): Promise<Seen> {
  return await lookAt(ctx, cluster, async () => {
    interface Described {
      readonly aliases?: object;
      readonly settings?: { readonly index?: { readonly uuid?: string } };
    }
    const answer = await getIfThere<Record<string, Described>>(ctx, cluster, `/${index}`);
    const found = answer?.[index];
    if (!found) return { uuid: null, aliases: answer ? [index] : [], count: null };
    const count = await get<{ count: number }>(ctx, cluster, `/${index}/_count`).catch(() => null);
    return {
      uuid: found.settings?.index?.uuid ?? "unknown",
      aliases: Object.keys(found.aliases ?? {}),
      count: count?.count ?? null,
    };
  });
}

function checksOf(seen: Seen, { cluster, index }: Input): Check[] {
  if (!seen.answers) return [answers(seen, cluster)];
  const ok = seen.aliases.length === 0;
  const says = ok ? `Nothing points at ${index}.` : `${index} is in use as ${seen.aliases.join(", ")}.`;
  return [answers(seen, cluster), { id: "index.unused", level: "block", ok, says, next: "Move the alias first." }];
}
