/** An interface's own no, in the words its clients know: `DBInstanceNotFound`, `NotFound`, `index_not_found_exception`. */
export class Refusal extends Error {
  readonly code: string;
  /** Of HTTP. */
  readonly status: number;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, status = 400, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.details = details;
  }
}
