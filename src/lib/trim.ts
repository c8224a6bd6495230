/** `words` without these characters at its ends. Linear, which `/[marks]+$/` is not: it tries again at every mark. */
export function trimmed(words: string, marks: string): string {
  return trimmedEnd(words.slice(leading(words, marks)), marks);
}

/** The same at the end alone. */
export function trimmedEnd(words: string, marks: string): string {
  let end = words.length;
  while (end > 0 && marks.includes(words[end - 1] as string)) end--;
  return words.slice(0, end);
}

function leading(words: string, marks: string): number {
  let start = 0;
  while (start < words.length && marks.includes(words[start] as string)) start++;
  return start;
}
