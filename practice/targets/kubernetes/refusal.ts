import { Refusal } from "../../kit/refusal.ts";

/** How an API server says no: a `Status` object with its reason. */
export function notFound(plural: string, name: string): Refusal {
  return new Refusal("NotFound", `${plural} "${name}" not found`, 404, { name, kind: plural });
}

export function invalid(message: string): Refusal {
  return new Refusal("Invalid", message, 422);
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
