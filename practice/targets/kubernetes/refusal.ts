/** A refusal as the API server words it: becomes a `kind: Status` body. */
export class Refusal extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: number, reason: string, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

export function notFound(plural: string, name: string): Refusal {
  return new Refusal(404, "NotFound", `${plural} "${name}" not found`, { name, kind: plural });
}

export function invalid(message: string): Refusal {
  return new Refusal(422, "Invalid", message);
}

export function statusBody(code: number, reason: string | undefined, message: string, details: unknown): unknown {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: code < 400 ? "Success" : "Failure",
    message,
    ...(reason ? { reason } : {}),
    details,
    code,
  };
}
