/** Where something stands inside a file: keys and list indexes from the top. */
export type Path = readonly (string | number)[];

/** Something wrong with a file, before it is known on which line it stands. */
export interface Fault {
  /** An error keeps the file out of the catalogue; a warning is shown and nothing more. */
  readonly level: "error" | "warning";
  readonly path: Path;
  /** Point at the key itself, not at what it holds. */
  readonly at?: "key";
  readonly what: string;
  readonly allowed?: string;
  readonly next?: string;
  /** It counts, and is told by another rule once for all. */
  readonly elsewhere?: true;
  /** What stands there must not be repeated: it may be a secret. */
  readonly hidden?: true;
}

/** A fault with the rule that found it and the place where it is seen. Lines and columns count from 1. */
export interface Finding extends Omit<Fault, "path" | "at"> {
  /** Kebab-case: `syntax`, `shape`, or the id of a rule. */
  readonly rule: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The line as it is written, and how many characters of it are meant. */
  readonly source: string;
  readonly length: number;
}

export function errorAt(path: Path, what: string, more: Partial<Fault> = {}): Fault {
  return { level: "error", path, what, ...more };
}

export function warningAt(path: Path, what: string, more: Partial<Fault> = {}): Fault {
  return { level: "warning", path, what, ...more };
}

/** True when nothing in it is an error. */
export function isClean(faults: readonly { readonly level: "error" | "warning" }[]): boolean {
  return faults.every((fault) => fault.level !== "error");
}
