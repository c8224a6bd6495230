import { nearest } from "../../catalog/suggest.ts";

/** The line that was probably meant, with the one of `known` that is nearest to the word; null: none is near. */
export function nearLine(word: string, known: readonly string[], before = ""): string | null {
  const near = word === "" ? null : nearest(word, known);
  return near === null ? null : `/dr ${before}${near}`.replace("/dr /dr", "/dr");
}
