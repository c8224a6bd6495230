/** Slack's way of saying no: HTTP 200 with `ok: false` and an error word. Thrown by methods, answered by the Web API. */
export class SlackRefusal extends Error {
  override readonly name = "SlackRefusal";
  readonly error: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(error: string, details: Readonly<Record<string, unknown>> = {}) {
    super(error);
    this.error = error;
    this.details = details;
  }
}

/** A refusal that says why in `response_metadata.messages`, as Slack does for bad arguments and blocks. */
export function refuseWith(error: string, messages: readonly string[]): SlackRefusal {
  return new SlackRefusal(error, { response_metadata: { messages } });
}
