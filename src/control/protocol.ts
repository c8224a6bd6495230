/**
 * What the command line and the bot say to each other: three requests, JSON over HTTP, on a Unix socket or over TLS.
 *
 * 1. `hello`: the bot gives a nonce for one command, and names a file.
 * 2. `open`: the caller has made that file, so that its owner says which user of the machine it is; and says which command it is.
 *    The bot says what else it needs, and what is to be signed.
 * 3. `run`: the code or the signature; the bot answers. The nonce is used up.
 */
export const PATHS = { hello: "/v1/hello", open: "/v1/open", run: "/v1/run" } as const;

/** Every request has it: a page in a browser can't send it to another origin unasked. */
export const CLIENT_HEADER = "x-lifeboat-cli";

/** The namespace of signatures: `ssh-keygen -Y sign -n lifeboat`. */
export const NAMESPACE = "lifeboat";

export const LIMITS = {
  /** Of a request. */
  bodyBytes: 64 * 1024,
  words: 400,
  /** Of all words together. */
  characters: 8_000,
  /** From `hello` to `open`: the file has to be there by then. */
  openSeconds: 5,
  /** From `open` to `run`: someone types a code, or touches a key. */
  runSeconds: 120,
  /** A command has to be answered within it. */
  answerSeconds: 60,
} as const;

export interface Hello {
  readonly nonce: string;
  /** To be made by the caller, with `mark` as its content and written by no one else; null: the bot doesn't ask. */
  readonly file: string | null;
  readonly mark: string;
}

export interface OpenRequest {
  readonly nonce: string;
  /** What follows `dr`. */
  readonly words: readonly string[];
  /** Who they say they are: a person of the roster. */
  readonly as: string | null;
  readonly sign: boolean;
}

export interface Opened {
  /** `code`: this person's authenticator has to say who it is. */
  readonly needs: "code" | null;
  /** Whose code, for the question. */
  readonly person: string;
  /** The exact bytes to sign; null: nothing is signed. */
  readonly statement: string | null;
}

export interface RunRequest {
  readonly nonce: string;
  readonly code: string | null;
  /** As `ssh-keygen -Y sign` writes it. */
  readonly signature: string | null;
}

/** `exit` 0: done or answered; 1: refused, and it says why. */
export interface Answer {
  readonly exit: 0 | 1;
  readonly out: string;
  readonly err: string;
}

/** With a status of 400 and above: nothing was done. */
export interface Refused {
  readonly error: string;
}

/** What someone signs: canonical JSON (RFC 8785) of this. */
export interface Statement {
  readonly lifeboat: "command/1";
  /** The command, as it is run. */
  readonly command: readonly string[];
  /** What exactly is decided, where the command decides something. */
  readonly decision?: {
    readonly decision: string;
    readonly incident: string;
    readonly run: string;
    readonly request: string;
    readonly planHash: string;
    readonly factsHash: string;
  };
  readonly nonce: string;
  /** ISO 8601, by the store's clock. */
  readonly at: string;
}
