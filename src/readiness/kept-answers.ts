/**
 * An answer that many ask for within moments, asked once and kept for so many milliseconds. Who asks meanwhile gets the same one; one that
 * failed is asked again.
 */
export function keepAnswers<K, V>(ask: (key: K) => Promise<V>, milliseconds: number, now = () => performance.now()) {
  const kept = new Map<K, { readonly at: number; readonly answer: Promise<V> }>();
  return (key: K): Promise<V> => {
    const before = kept.get(key);
    if (before !== undefined && now() - before.at < milliseconds) return before.answer;
    const answer = ask(key);
    kept.set(key, { at: now(), answer });
    answer.catch(() => {
      if (kept.get(key)?.answer === answer) kept.delete(key);
    });
    return answer;
  };
}
