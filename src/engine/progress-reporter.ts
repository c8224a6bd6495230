/** Writes progress no more often than this. */
const AT_MOST_EVERY_MS = 1_000;

/** What a step says while it is at it. */
export interface ProgressReporter {
  /** The newest word counts: what comes faster than once a second is left out, but never the last before a silence. */
  say(says: string): void;
  end(): void;
}

/**
 * Never silent for long: a step that says nothing for `silenceMs` says that it is still at it, and one that takes longer
 * than usual says so once.
 */
export function createProgressReporter(
  write: (says: string) => void,
  about: { readonly silenceMs: number; readonly warnSeconds: number; readonly sayLate: string },
): ProgressReporter {
  const began = performance.now();
  let spokenAt = Number.NEGATIVE_INFINITY;
  let pending: string | null = null;
  let turn: NodeJS.Timeout | null = null;

  const speak = (says: string) => {
    spokenAt = performance.now();
    pending = null;
    write(says);
  };
  const say = (says: string) => {
    const wait = spokenAt + AT_MOST_EVERY_MS - performance.now();
    if (wait <= 0) return speak(says);
    pending = says;
    turn ??= setTimeout(() => {
      turn = null;
      if (pending !== null) speak(pending);
    }, wait);
  };
  const late = setTimeout(() => say(about.sayLate), about.warnSeconds * 1_000);
  const silence = setInterval(() => {
    const quietSince = Math.max(spokenAt, began);
    if (performance.now() - quietSince < about.silenceMs) return;
    say(`Still at it after ${Math.round((performance.now() - began) / 1_000)} s`);
  }, about.silenceMs / 4);
  return {
    say,
    end() {
      clearTimeout(late);
      clearInterval(silence);
      if (turn) clearTimeout(turn);
      turn = null;
    },
  };
}
