/** Sent and acknowledged at these moments, milliseconds since 1970. */
export interface Note {
  readonly mark: string;
  readonly user: string;
  readonly at: number;
  readonly acknowledgedAt: number;
}

/** What people did and were told, for the one who checks at the end. */
export interface Diary {
  /** How often each thing was done. */
  readonly counts: Map<string, number>;
  /** Notes that Slack said had been heard: each is on a timeline, or its author was told why not. */
  readonly notes: Note[];
  /** What must not happen whatever is broken. */
  readonly complaints: { readonly invariant: string; readonly says: string }[];
  did(what: string): void;
}

export function openDiary(): Diary {
  const counts = new Map<string, number>();
  return {
    counts,
    notes: [],
    complaints: [],
    did: (what) => void counts.set(what, (counts.get(what) ?? 0) + 1),
  };
}
