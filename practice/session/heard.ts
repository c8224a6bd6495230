import { setTimeout as passing } from "node:timers/promises";
import type { Message, Outcome, View, Workspace } from "../slack/index.ts";

/** A form is opened within three seconds of a press, or not at all: people press again then. */
const NOT_OPENED = /could not be opened in time/;

/**
 * What someone alone is told in answer to what they do. It is done again where a bot is just being started, and where a form was not opened
 * in time.
 * @param until by `performance.now()`
 */
export async function heard(
  workspace: Workspace,
  user: string,
  userAction: () => Promise<Outcome>,
  until: number,
): Promise<string> {
  for (;;) {
    const before = seenIn(workspace);
    const outcome = await userAction();
    if (outcome.ok) {
      const left = Math.max(1, until - performance.now());
      const isAnswer = (message: Message) => isTo(user, message) && !before(message);
      const says = await workspace.as(user).waitForAnswer(isAnswer, left);
      if (!NOT_OPENED.test(says) || performance.now() > until) return says;
    } else {
      if (performance.now() > until) return outcome.said;
      await passing(250);
    }
  }
}

export interface Filling {
  readonly press: (person: ReturnType<Workspace["as"]>) => Promise<Outcome>;
  /** The form's `callback_id`. */
  readonly form: string;
  readonly filled: (form: View) => Promise<Readonly<Record<string, string>>>;
}

/** Opens a form, sends it filled in, and gives what they are told of that; or what they are told instead of a form. */
export function fillsIn(workspace: Workspace, user: string, filling: Filling, until: number): Promise<string> {
  const { press, form, filled } = filling;
  const person = workspace.as(user);
  return heard(
    workspace,
    user,
    async () => {
      const before = seenIn(workspace);
      const pressed = await press(person);
      if (!pressed.ok) return pressed;
      const left = Math.max(1, until - performance.now());
      const isAnswer = (message: Message) => isTo(user, message) && !before(message);
      const shown = await person.waitForViewOrMessage(({ callback_id: id }) => id === form, isAnswer, left);
      return "view" in shown ? person.submit(shown.view, await filled(shown.view)) : pressed;
    },
    until,
  );
}

/** Whether a message was there at this moment. */
export function seenIn(workspace: Workspace): (message: Message) => boolean {
  const { messages, ephemerals } = workspace.snapshot();
  const known = new Set([...messages, ...ephemerals].map(({ channel, ts }) => `${channel}/${ts}`));
  return ({ channel, ts }) => known.has(`${channel}/${ts}`);
}

/** Who is not in the channel yet is answered directly. Questions and news come there, too, in their own time. */
export function isTo(user: string, { only, channel, text }: Message): boolean {
  return only === user || (channel === `D${user}` && !/^PRACTICE( DRILL)? · /.test(text));
}
