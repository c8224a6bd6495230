import type { Contact, System } from "../../../src/catalog/types.ts";
import { cut, safe } from "../kit/escape.ts";
import { lasting } from "../kit/when.ts";

/** "SRE team (anything that doesn't burn): #sre, sre-team@…". Not escaped. */
export function contactLine({ title, for: when, phone, slack, email, link }: Contact): string {
  const ways = [phone, slack, email, link].filter((way) => way !== null);
  return `${title}${when === null ? "" : ` (${when})`}: ${ways.join(", ")}`;
}

/** Whom to turn to beside the roster, a line each. For mrkdwn. */
export function contactLines({ contacts = [] }: Pick<System, "contacts">, count = 6): readonly string[] {
  const listed = contacts.slice(0, count).map((one) => `• ${safe(cut(contactLine(one), 250))}`);
  return contacts.length > count ? [...listed, `… and ${contacts.length - count} more`] : listed;
}

/** When an incident is declared, a line each. For mrkdwn. */
export function declareWhenLines({ declareWhen = [] }: Pick<System, "declareWhen">): readonly string[] {
  return declareWhen.map((rule) => `• ${safe(cut(rule, 200))}`);
}

/** "P0 (Complete system unavailable; response within 15 min; such as Database down)", for each. Not escaped. */
export function severityHelp({ severities, declareWhen = [] }: Pick<System, "severities" | "declareWhen">): string {
  const all = severities.map(({ id, title, respondWithinSeconds, examples = [] }) => {
    const such = examples.length === 0 ? "" : `; such as ${examples.slice(0, 2).join(", ")}`;
    return `${id} (${title}; response within ${lasting(respondWithinSeconds)}${such})`;
  });
  const rules = declareWhen.length === 0 ? "" : `. Declare when: ${declareWhen.join("; ")}`;
  return `${all.join(", ")}${rules}`;
}
