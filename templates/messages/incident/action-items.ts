import { dueAt, openActions } from "../../../src/incident/actions.ts";
import { isPrivate } from "../../../src/incident/members.ts";
import { incidentName } from "../../../src/incident/numbers.ts";
import type { ActionItem, IncidentState } from "../../../src/incident/state.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, section } from "../kit/blocks.ts";
import { cut, safe } from "../kit/escape.ts";
import type { ShownMessage, Surroundings } from "../kit/view.ts";

/** `A1 Build a standby · Sam Okafor · due 2026-12-24 · https://…`, with a mark where it is done. For mrkdwn. */
export function actionLine(item: ActionItem, names: (who: string) => string): string {
  const { id, text, owner, due, link, done } = item;
  return [
    `${done === null ? "" : "✅ "}${id} ${safe(cut(text, 200))}`,
    owner === null ? "no owner" : names(owner),
    ...(due === null ? [] : [`due ${due}`]),
    ...(link === null ? [] : [linkWords(link)]),
  ].join(" · ");
}

/** What is shown is where it leads. */
function linkWords(link: string): string {
  const url = URL.canParse(link) ? new URL(link) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || /[<>|]/.test(url.href)) return safe(link);
  return `<${url.href}|${safe(cut(url.href.replace(/^https?:\/\//, ""), 60))}>`;
}

/** To the owner of each item that is due, once, and edited when it is done. */
export function actionReminders(state: IncidentState, around: Surroundings): ShownMessage[] {
  return (state.actions ?? []).flatMap((item): ShownMessage[] => {
    const account = item.remindedAt === null ? null : accountOf(item.owner, around);
    if (account === null) return [];
    const what = `${safe(incidentName(state))}/${actionLine(item, around.names)}`;
    const text = item.done === null ? `Your action item is due: ${what}` : `Done: ${what}`;
    const buttons =
      item.done === null
        ? [
            actions({
              label: "Done",
              verb: "action.done",
              actionValue: actionValue(state.id, item.id),
              style: "primary",
            }),
          ]
        : [];
    const message = { text, blocks: [section(item.done === null ? `🔔 ${text}` : text), ...buttons] };
    return [{ key: `action:${item.id}:due`, in: { person: account }, under: null, priority: 1, message }];
  });
}

function accountOf(owner: string | null, { system }: Surroundings): string | null {
  if (owner === null) return null;
  const person = system.people.find(({ id }) => id === owner);
  return person?.slack[0] ?? (/^[UW][A-Z0-9]{5,}$/.test(owner) ? owner : null);
}

/** What earlier incidents of the same component left to do, an incident each: "2 from INC-12". */
export interface OpenBefore {
  readonly incident: string;
  readonly open: number;
}

/** `component`: what the new incident is about; null: not known yet, so everything of the system counts. */
export function openBefore(
  states: readonly IncidentState[],
  { id, declared }: IncidentState,
  component: string | null,
): readonly OpenBefore[] {
  return states.flatMap((state) => {
    const isOther = state.id !== id && state.declared?.system === declared?.system && !isPrivate(state.declared);
    const items = isOther ? openActions(state) : [];
    const same = items.filter((item) => component === null || item.component === null || item.component === component);
    return same.length === 0 ? [] : [{ incident: incidentName(state), open: same.length }];
  });
}

/** For the status card; null: nothing is left. */
export function openBeforeWords(left: readonly OpenBefore[] = []): string | null {
  if (left.length === 0) return null;
  const [first, ...rest] = left.slice(0, 3).map(({ incident, open }) => `${open} from ${safe(incident)}`);
  const total = left.reduce((sum, { open }) => sum + open, 0);
  return `📌 ${total} open action ${total === 1 ? "item" : "items"}: ${[first, ...rest].join(", ")}. \`/dr action list\``;
}

/** Whether an item is due by now. */
export function isDue({ due }: ActionItem, now: Date): boolean {
  const at = due === null ? null : dueAt(due);
  return at !== null && at <= now;
}
