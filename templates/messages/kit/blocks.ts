import { cut, plain } from "./escape.ts";
import type { Block } from "./message.ts";

/** Block Kit in the few shapes Lifeboat uses. Arguments named `mrkdwn` are already escaped where they had to be. */

export function header(words: string): Block {
  return { type: "header", text: plainText(cut(plain(words), 150)) };
}

/** `verbatim`: Slack turns nothing in it into a link or a mention by itself. */
export function section(mrkdwn: string): Block {
  return { type: "section", text: { type: "mrkdwn", text: mrkdwn, verbatim: true } };
}

/** Pairs of a label and what it says; two columns on a desk, one below the other on a phone. At most ten. */
export function fields(pairs: readonly (readonly [label: string, mrkdwn: string])[]): Block {
  const shown = pairs.slice(0, 10);
  return {
    type: "section",
    fields: shown.map(([label, says]) => ({ type: "mrkdwn", text: `*${label}*\n${says}`, verbatim: true })),
  };
}

export function context(...mrkdwn: readonly string[]): Block {
  return {
    type: "context",
    elements: mrkdwn.slice(0, 10).map((text) => ({ type: "mrkdwn", text, verbatim: true })),
  };
}

export const divider: Block = { type: "divider" };

/** As many sections as the lines need: a section holds 3000 characters. */
export function lines(mrkdwn: readonly string[]): Block[] {
  const sections: string[] = [];
  for (const line of mrkdwn) {
    const last = sections.at(-1);
    if (last !== undefined && last.length + line.length < 2900) sections[sections.length - 1] = `${last}\n${line}`;
    else sections.push(line);
  }
  return sections.map(section);
}

export interface Button {
  /** Verb and target first; phones show about 30 characters. */
  readonly label: string;
  /** The command that takes the press up. */
  readonly verb: string;
  /** Keeps `action_id` unique where one message has two buttons of a verb. */
  readonly detail?: string;
  /** A look-up key, and nothing else. */
  readonly actionValue: string;
  readonly style?: "primary" | "danger";
  /** Said by screen readers in place of the label. */
  readonly aloud?: string;
  readonly confirm?: { readonly title: string; readonly says: string; readonly yes: string; readonly no: string };
}

/**
 * The block keeps its name when its message is drawn again: where Slack has to make one up it is another each time, and who
 * presses (or is just being asked whether they are sure) while a message changes would press a button that is gone.
 */
export function actions(...buttons: readonly Button[]): Block {
  const [first] = buttons;
  const name = first && { block_id: `${actionOf(first)}/${first.actionValue}` };
  return { type: "actions", ...name, elements: buttons.map(button) };
}

function actionOf({ verb, detail }: Button): string {
  return detail === undefined ? verb : `${verb}:${detail}`;
}

function button(given: Button): object {
  const { label, actionValue, style, aloud, confirm } = given;
  return {
    type: "button",
    action_id: actionOf(given),
    text: plainText(cut(plain(label), 30)),
    // Slack refuses an empty one.
    ...(actionValue !== "" && { value: actionValue }),
    ...(style && { style }),
    ...(aloud && { accessibility_label: cut(plain(aloud), 75) }),
    ...(confirm && {
      confirm: {
        title: plainText(cut(plain(confirm.title), 100)),
        text: plainText(cut(plain(confirm.says), 300)),
        confirm: plainText(cut(confirm.yes, 30)),
        deny: plainText(cut(confirm.no, 30)),
      },
    }),
  };
}

/** `emoji: false`: a name like `:fire:` stays as it was written. */
export function plainText(text: string): { type: "plain_text"; text: string; emoji: false } {
  return { type: "plain_text", text, emoji: false };
}
