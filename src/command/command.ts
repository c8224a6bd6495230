import type { Form, Message } from "../../templates/messages/kit/message.ts";
import type { SignedDecision } from "../incident/commands.ts";
import type { Actor, Transport } from "../incident/events.ts";

/** One `/dr` verb: its grammar, its help, who may give it and what it does, in one file. `index.ts` is the list. */
export interface Command {
  readonly verb: string;
  readonly aliases: readonly string[];
  /** One line for the help list. */
  readonly summary: string;
  /** `/dr failover <component> [--system <s>] [--dry-run]` */
  readonly usage: string;
  readonly examples: readonly string[];
  /**
   * Members of the workspace who are on no roster may give it too. Left out: only people on a roster. Authority beyond that is the
   * domain's (`src/incident/decide/may.ts`).
   */
  readonly everyMember?: true;
  /** It may start a run: a repeat is answered from what the first recorded, before anything is looked at (`started.ts`). */
  readonly startsRuns?: true;
  /** True for a request that changes, decides and takes out nothing: it's answered with no file. Left out: none is such a request. */
  reads?(request: Request): boolean;
  /** For what decides: true when the words say that and nothing else. Typed by mention, anything more makes it prose. */
  whole?(request: Request): boolean;
  /**
   * What is wrong in a form that was sent, as far as nothing has to be waited for to say it: the form stays open with the errors at its
   * fields. Left out: nothing can be wrong that is not seen in the store.
   */
  checkForm?(context: CommandContext, sent: SentForm): FormErrors;
  handle(context: CommandContext, request: Request): Promise<Reply>;
}

/** Every command there is (`commands/index.ts`), and what `/dr` alone does. */
export interface CommandSet {
  readonly commands: readonly Command[];
  overview(context: CommandContext, request: Request): Promise<Reply>;
}

/** A form as it was sent. */
export interface SentForm {
  readonly verb: string;
  readonly actionValue: string;
  /** Block id → value. */
  readonly form: Readonly<Record<string, string>>;
}

/** Block id → one plain sentence: what is wrong there and what is allowed. */
export type FormErrors = Readonly<Record<string, string>>;

/** What a person asked for, over whichever transport it came. */
export interface Request {
  readonly verb: string;
  /** What followed the verb: words, and `--options`. */
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | true>>;
  /** Everything after the verb as typed, for free text. */
  readonly rest: string;
  readonly caller: Caller;
  /** Unique per delivery that means the same: a repeat of it changes nothing. */
  readonly key: string;
  /** Where it was typed or pressed. */
  readonly place: { readonly channel: string | null; readonly thread: string | null };
  /** Filled by a form: block id → value. */
  readonly form: Readonly<Record<string, string>> | null;
  /** What a button, shortcut or form carried. A look-up key and nothing more. */
  readonly actionValue: string | null;
  /** A form can be opened in answer to this request (the transport has one, and its time is not up). */
  readonly canAskForm: boolean;
  /** A form is wanted, though nothing may be missing for an answer. */
  readonly wantsForm?: true;
  /** Typed in a message that mentions the bot: at its start, or somewhere within other words. */
  readonly mention?: "alone" | "within";
  /** The line was too long to be read, so nothing else in here is what was typed. */
  readonly tooLong?: true;
  /**
   * Of the calendar: what is started gets a record of its own and joins none. Called right before it is decided; rejects where it may not
   * begin any more.
   */
  readonly ownRecord?: () => Promise<void>;
  /** Signed by a key of the caller's, verified; only the command line gives it. `decision`: what exactly it decides, if it does. */
  readonly signed?: {
    readonly decision: SignedDecision | null;
    /** The key is a FIDO key that has checked its owner (PIN, fingerprint) for this very request. */
    readonly userVerified: boolean;
  };
}

/** Who is asking, as the transport established it. */
export interface Caller {
  readonly transport: Transport;
  readonly slackUser: string | null;
  /** Person id on the roster, or null. */
  readonly person: string | null;
  readonly name: string;
  /** Why this caller may do nothing (guest, outsider, deactivated, bot, look-up failed), or null. */
  readonly blocked: string | null;
  /**
   * Why nothing may be changed from the place this was asked in; null or absent: it may. `known` is false where no one
   * could say who reads along there.
   */
  readonly place?: { readonly why: string; readonly known: boolean } | null;
}

export type Reply =
  /**
   * `refused`: it was not done, and the message says why. `again`: the same form, filled in otherwise, may be right. `instead`: sent as this,
   * with what was typed in it, it would be done.
   */
  | {
      readonly kind: "private";
      readonly message: Message;
      readonly refused?: true;
      readonly again?: true;
      readonly instead?: Instead;
    }
  /** Opened; or, where the request came from inside an open form, put in that form's place. */
  | { readonly kind: "form"; readonly form: Form }
  /** `channel`: where it belongs, the incident's own; null: where it was requested. */
  | {
      readonly kind: "file";
      readonly name: string;
      /** Bytes only where the command line has no place for it. */
      readonly content: string | Uint8Array;
      /** Files that belong to it, such as its pictures; absent: none. The command line has no place for them. */
      readonly beside?: readonly { readonly name: string; readonly content: string }[];
      readonly message: Message;
      readonly channel: string | null;
      /** Not for everyone who reads where it was requested: where it has no channel, it goes to who asked. */
      readonly confidential?: true;
    }
  | { readonly kind: "nothing" };

/** What a refused form does when it is sent again; said by its button. */
export interface Instead {
  readonly verb: string;
  readonly label: string;
  /** Asked for besides, at its end. */
  readonly fields?: Form["blocks"];
}

export function actorOf(caller: Caller): Actor {
  return {
    kind: "person",
    person: caller.person,
    slackUser: caller.slackUser,
    name: caller.name,
    door: caller.transport,
  };
}

// `CommandContext` is what commands may use; it is defined beside the list in `context.ts`.
import type { CommandContext } from "./context.ts";
