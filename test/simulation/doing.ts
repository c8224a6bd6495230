import type { ShownInSlack } from "./slack-server.ts";

/** What a person does: types a line somewhere, or presses what they see. */
export type Doing =
  | { readonly does: "types"; readonly user: string; readonly text: string; readonly room: string }
  | { readonly does: "presses"; readonly user: string; readonly choice: Choice };

/** Something that can be pressed. `message`: where it is seen; null: nothing is drawn. */
export interface Choice {
  readonly action: string;
  readonly value: string;
  readonly block: string;
  readonly message: ShownInSlack | null;
  /** Where nothing is drawn, what the button or the form brings back, and who would do it; empty or absent: anyone. */
  readonly actionValue?: string;
  readonly form?: Readonly<Record<string, string>>;
  readonly by?: readonly string[];
  /** It's pressed by someone who can be shown a form. */
  readonly opensForm?: boolean;
}

/** What was answered; null: nothing in time. */
export type Answered = { readonly status: number; readonly body: string } | null;
