import type { Store } from "./store.ts";

/**
 * What a person typed, as Slack gives it to apps: `&<>` become entities, `@name` and `#channel` become references, links
 * get brackets. References that are written out already stay. `labels`: with names, as in escaped slash commands.
 */
export function asTyped(store: Store, text: string, labels: boolean): string {
  const users = [...store.users.values()];
  const channels = [...store.channels.values()].filter((channel) => channel.name !== "");
  const names = users.flatMap((user) => [user.real_name, user.name]).sort((a, b) => b.length - a.length);
  const known = new RegExp(
    `(<[@#!][^<>\\s]+>|<https?:[^<>]+>)|@(${names.map(escapeRegExp).join("|")})(?![\\w-])|#([\\p{L}\\p{N}_-]+)|(https?://[^\\s<>]+)|([&<>])`,
    "giu",
  );
  return text.replace(known, (whole, written, person, channel, link, mark) => {
    if (written) return written;
    if (link) return `<${link}>`;
    if (mark) return ENTITIES[mark as "&"];
    if (person) {
      const user = users.find((one) => [one.real_name, one.name].some((name) => same(name, person)));
      return user ? `<@${user.id}${labels ? `|${user.name}` : ""}>` : whole;
    }
    const named = channels.find((one) => one.name === channel);
    return named ? `<#${named.id}|${named.name}>` : whole;
  });
}

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" } as const;

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
