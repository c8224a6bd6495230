/**
 * What the bot says: a sentence and, for those who see it, blocks. `text` is what screen readers, notifications and the
 * command line get, so it is whole without the blocks. Blocks are Slack's Block Kit as plain JSON; sizes are cut where
 * they leave the process (`src/sinks/slack/limits.ts`).
 */
export interface Message {
  readonly text: string;
  readonly blocks: readonly Block[];
}
export type Block = { readonly type: string; readonly [key: string]: unknown };

/** A form. `callback` says which command takes it up; `carries` comes back with it (a look-up key, never a decision). */
export interface Form {
  readonly callback: string;
  readonly title: string;
  readonly submit: string;
  readonly actionValue: string;
  readonly blocks: readonly Block[];
}
