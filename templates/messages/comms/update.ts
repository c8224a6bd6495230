import type { RecordKind } from "../../../src/incident/events.ts";
import type { Delivery, UpdateState } from "../../../src/incident/state.ts";
import { context, lines } from "../kit/blocks.ts";
import { cut, ended, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import type { Surroundings } from "../kit/view.ts";
import { at, clock } from "../kit/when.ts";

/** An update where it is read: the words as they were rendered, and under them only who says so and when. */
export function updateSaid(update: UpdateState, kind: RecordKind, around: Surroundings): Message {
  const head = `${kindPrefix(kind, around.practice)}${safe(around.system.title)}`;
  return {
    text: `${head}, update of ${clock(update.at)}:\n${bodyOf(update)}`,
    blocks: [...lines(bodyOf(update).split("\n")), context(`${head} · ${by(update, around)} ${at(update.at)}`)],
  };
}

/** The same in the incident's own channel, with whom it was for and whether it got there. */
export function updateRecorded(update: UpdateState, around: Surroundings): Message {
  const title = titleOf(update);
  const head = `📣 *To ${AUDIENCE[update.audience]}:* ${title}`;
  const ways = waysOf(update, around.channel);
  return {
    text: `To ${AUDIENCE[update.audience]}: ${title}. ${ways.join(". ")}.\n${bodyOf(update)}`,
    blocks: [
      ...lines([head]),
      ...lines(bodyOf(update).split("\n")),
      context(`${by(update, around)} ${at(update.at)}`),
      ...(ways.length > 0 ? [context(ways.join(" · "))] : []),
    ],
  };
}

/** Without whom it is for, where its title begins with that: "progress" of "Customers: progress". */
function titleOf({ title, audience }: UpdateState): string {
  const [first = "", ...rest] = title.split(": ");
  const names = [audience.replaceAll("-", " "), AUDIENCE[audience]];
  return safe(rest.length > 0 && names.includes(first.toLowerCase()) ? rest.join(": ") : title);
}

/** mrkdwn already. What only goes out by mail or page is shown as its text. */
function bodyOf({ slack, email, page }: UpdateState): string {
  if (slack !== null) return slack.text;
  const text = email?.text ?? (page === null ? "" : `${page.name}\n${page.body}`);
  return text.trim().split("\n").map(safe).join("\n");
}

function waysOf(update: UpdateState, own: string | null): string[] {
  const places = (update.slack?.places ?? []).filter((place) => place !== "incident" && place !== own);
  const slack = places.map((place) => (place === "announce" ? "where it was announced" : `<#${place}>`));
  return [
    ...(slack.length > 0 ? [`In Slack: ${slack.join(", ")}`] : []),
    ...[...update.deliveries].map(([via, delivery]) => `${VIA[via] ?? safe(via)}: ${deliveryWords(delivery)}`),
  ];
}

function deliveryWords(delivery: Delivery): string {
  switch (delivery.status) {
    case "queued":
      return "on its way";
    case "delayed":
      return `⏳ queued since ${clock(delivery.since)}, tried on: ${safe(cut(delivery.says, 200))}`;
    case "delivered":
      return `✅ sent at ${clock(delivery.at)} to ${safe(delivery.to)}${delivery.says === null ? "" : ` (${safe(cut(delivery.says, 200))})`}`;
    case "undelivered":
      return `❌ not sent: ${ended(safe(cut(delivery.says, 200)))} Tell them another way`;
    default:
      return delivery satisfies never;
  }
}

function by({ by: actor }: UpdateState, around: Surroundings): string {
  return actor.kind === "bot" ? "Lifeboat" : around.names(actor.person ?? actor.name);
}

export const AUDIENCE = {
  responders: "responders",
  executives: "executives",
  customers: "customers",
  "status-page": "the status page",
} as const;

const VIA: Readonly<Record<string, string>> = { email: "E-mail", page: "Status page", statuspage: "Statuspage" };
