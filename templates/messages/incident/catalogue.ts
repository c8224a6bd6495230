import type { CatalogueEvent } from "../../../src/incident/events.ts";
import { section } from "../kit/blocks.ts";
import { cut, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { NoticeSurroundings, ShownMessage } from "../kit/view.ts";

/** Most lines of a message; the timeline has them all. */
const LINES = 10;

/** Who may decide, or what may run, has changed: told where incidents are announced. What is read for the first time is not. */
export function catalogueChanged(
  { data, version }: CatalogueEvent & { readonly version: number },
  around: NoticeSurroundings,
): readonly ShownMessage[] {
  if (data.from === null) return [];
  const title = around.systems.find(({ id }) => id === data.system)?.title ?? data.system;
  const lines = data.says
    .slice(0, LINES)
    .map(({ person, says }) => `• ${person === null ? "" : `${around.names(person)}: `}${safe(cut(says, 200))}`);
  const more = data.says.length > LINES ? [`and ${data.says.length - LINES} more`] : [];
  const head = `${kindPrefix("real", around.practice)}Catalogue of ${safe(title)} changed`;
  const text = [`${head}:`, ...lines, ...more].join("\n");
  const message = { text, blocks: [section(`📘 ${text}`)] };
  return [{ key: `catalogue.changed:${version}`, in: "announce", under: null, priority: 1, message, once: true }];
}
