import type { Choice, Filled } from "../blockkit/answers.ts";
import type { Answer } from "../delivery.ts";
import type { Json } from "../objects.ts";

/** Where a block stands: in a message (ephemeral ones too) or in an open view. */
export type BlockPlace = { readonly channel: string; readonly ts: string } | { readonly view: string };

/** Everything a person can do in Slack that an app can hear of. */
export type UserAction =
  | { readonly do: "slash"; readonly text: string; readonly channel: string; readonly thread?: string | undefined }
  | { readonly do: "say"; readonly text: string; readonly channel: string; readonly thread?: string | undefined }
  | {
      readonly do: "use";
      readonly place: BlockPlace;
      readonly block: string;
      readonly action: string;
      readonly choice: Choice;
      readonly filled?: Filled | undefined;
    }
  | {
      readonly do: "suggest";
      readonly place: BlockPlace;
      readonly block: string;
      readonly action: string;
      readonly query: string;
    }
  | { readonly do: "submit"; readonly view: string; readonly filled: Filled }
  | { readonly do: "close"; readonly view: string; readonly all?: boolean | undefined }
  | {
      readonly do: "shortcut";
      readonly callback: string;
      readonly message?: { readonly channel: string; readonly ts: string } | undefined;
    }
  /** A conversation with `users`: direct, or where it has a `name` a private channel. The app is in it only if it is named. */
  | { readonly do: "open"; readonly users: readonly string[]; readonly name?: string | undefined }
  | { readonly do: "home" }
  | { readonly do: "react"; readonly channel: string; readonly ts: string; readonly name: string }
  | {
      readonly do: "share";
      readonly channel: string;
      readonly thread?: string | undefined;
      readonly name: string;
      readonly base64: string;
      readonly text: string;
    };

/** How it went, as the person is told it. */
export type Outcome =
  | {
      readonly ok: true;
      readonly ts?: string;
      readonly channel?: string;
      readonly options?: readonly Json[];
      readonly milliseconds?: number;
    }
  | {
      readonly ok: false;
      /** Slack's word: `operation_timeout`, `dispatch_failed`, … */
      readonly error: string;
      /** The sentence Slack shows. */
      readonly said: string;
      /** A form's faults: block id → what is wrong. */
      readonly errors?: Readonly<Record<string, string>>;
    };

/** What the person is told when the app did not acknowledge. */
export function failed(answer: Answer & { ok: false }, what: string): Outcome {
  const why = answer.error === "operation_timeout" ? "the app did not respond" : "the app could not be reached";
  return refused(answer.error, `${what} failed because ${why}. (${answer.error})`);
}

export function refused(error: string, said: string): Outcome {
  return { ok: false, error, said };
}
