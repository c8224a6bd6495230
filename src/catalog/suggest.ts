import { distance } from "fastest-levenshtein";

/** The one of `known` that was probably meant, or null when nothing is near. */
export function nearest(word: string, known: Iterable<string>): string | null {
  const asked = word.toLowerCase();
  let best: { word: string; away: number } | null = null;
  for (const candidate of known) {
    const away = distance(asked, candidate.toLowerCase());
    if (best === null || away < best.away) best = { word: candidate, away };
  }
  const near = asked.length < 4 ? 1 : Math.max(2, Math.floor(asked.length / 3));
  return best !== null && best.away <= near ? best.word : null;
}

/** What is allowed, and what was probably meant: the two last parts of a fault about a word. */
export function offer(word: string, known: Iterable<string>): { allowed: string; next?: string } {
  const words = [...known];
  const meant = nearest(word, words);
  const allowed = words.length === 0 ? "There is none to choose from" : `Allowed: ${words.join(", ")}`;
  return meant === null || meant === word ? { allowed } : { allowed, next: `Did you mean "${meant}"?` };
}
