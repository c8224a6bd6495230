/** Something that stands changed until it is put back. */
export interface Change {
  /** How it is left if no one puts it back: `deployment/contract has 3 replicas, not 2`. */
  readonly left: string;
  /** What a person does to put it back: a command, or a sentence. */
  readonly by: string;
  back(): Promise<unknown>;
}

/** What is changed at this moment. Said before the change, so that a failure or Ctrl-C in the middle of it is put back too. */
export interface Changes {
  /** Returns what puts it back, once. */
  until(change: Change): () => Promise<void>;
  /** Puts back all that still stands changed, the newest first; true when nothing is left. */
  putBack(print: (line: string) => void): Promise<boolean>;
  left(): readonly Change[];
}

const BACK_MS = 180_000;

export function openChanges(): Changes {
  let open: readonly Change[] = [];
  const putBack = async (change: Change) => {
    if (!open.includes(change)) return;
    await inTime(change.back());
    open = open.filter((one) => one !== change);
  };
  return {
    until(change) {
      open = [...open, change];
      return () => putBack(change);
    },
    async putBack(print) {
      for (const change of [...open].reverse()) {
        try {
          await putBack(change);
          print(`    Put back after all: ${change.left} no longer.`);
        } catch (error) {
          print(`    LEFT CHANGED: ${change.left}. To put it back: ${change.by}.`);
          print(`    (Putting it back failed: ${error instanceof Error ? error.message : String(error)})`);
        }
      }
      return open.length === 0;
    },
    left: () => open,
  };
}

async function inTime(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${BACK_MS / 1000} s`)), BACK_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
