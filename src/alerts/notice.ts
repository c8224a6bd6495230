import { z } from "zod";
import { sha256 } from "../lib/canonical.ts";

/** Who sent it: each has a path, a way to authenticate and a payload of its own. */
export type Sender = "alertmanager" | "grafana" | "cloudwatch" | "generic" | "pagerduty";

/**
 * What any sender says of one alert: it fires, or it is resolved. A statement of state: hearing it again changes nothing. Everything but `sender` and
 * `receivedAt` is other people's text, of limited length.
 */
export interface Notice {
  readonly sender: Sender;
  /** The name the monitoring gives it. */
  readonly name: string;
  readonly status: "firing" | "resolved";
  /** The same for the same instance of the same alert of the same sender: 16 hexadecimal digits. */
  readonly fingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
  /** One line of what it says of itself; null: nothing. */
  readonly summary: string | null;
  /** When it began to fire, by the sender's clock. ISO 8601; null: it does not say. */
  readonly startedAt: string | null;
  /** An address of the web where the sender shows it. */
  readonly link: string | null;
  /** When it came in, by the store's clock. ISO 8601. */
  readonly receivedAt: string;
}

export type ReceivedAlert = Omit<Notice, "sender" | "receivedAt" | "fingerprint">;

/** What a body came to: alerts, or why it is refused, in one sentence for the log of the one who connects the sender. */
export type Parsed =
  | { readonly ok: true; readonly told: readonly ReceivedAlert[] }
  | { readonly ok: false; readonly says: string };

/** Longer lists are refused: senders can be told to split them. */
export const ALERTS_MAX = 1000;
const LABELS_MAX = 64;
const NAME_MAX = 255;
const VALUE_MAX = 500;
const SUMMARY_MAX = 300;

/** Every sender's labels: a flat object of texts. */
export const labelsSchema = z
  .record(z.string().min(1).max(NAME_MAX), z.string().max(10_000))
  .refine((labels) => Object.keys(labels).length <= LABELS_MAX, { error: `At most ${LABELS_MAX} labels` });

export const nameSchema = z.string().trim().min(1).max(NAME_MAX);

/** Alertmanager and Grafana write year 1 for "not yet". */
export const momentSchema = z.iso
  .datetime({ offset: true })
  .transform((text) => (text.startsWith("0001-") ? null : text));

/** Texts of other people, cut to what is kept. */
export function receivedAlert(given: ReceivedAlert): ReceivedAlert {
  const labels = Object.fromEntries(
    Object.entries(given.labels).map(([key, value]) => [key, value.slice(0, VALUE_MAX)]),
  );
  return { ...given, labels, summary: lineOf(given.summary), link: linkOf(given.link) };
}

export function noticeOf(sender: Sender, one: ReceivedAlert, receivedAt: Date): Notice {
  const labels = Object.entries(one.labels).sort(([a], [b]) => (a < b ? -1 : 1));
  const fingerprint = sha256(JSON.stringify([sender, one.name, labels])).slice(0, 16);
  return { ...one, sender, fingerprint, receivedAt: receivedAt.toISOString() };
}

/** A refusal that says which field, and what is allowed there. */
export function refusal(error: z.ZodError): Parsed {
  const [issue] = error.issues;
  const where = issue?.path.join(".") || "the body";
  return { ok: false, says: `${where.slice(0, 200)}: ${issue?.message.slice(0, 200) ?? "not as documented"}` };
}

/** JSON, or null. */
export function jsonIn(raw: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(raw).toString("utf8"));
  } catch {
    return null;
  }
}

function lineOf(text: string | null): string | null {
  const line = (text ?? "")
    .slice(0, 10 * SUMMARY_MAX)
    .replace(/\s+/g, " ")
    .trim();
  return line === "" ? null : line.slice(0, SUMMARY_MAX);
}

function linkOf(text: string | null): string | null {
  if (text === null || text.length > 1000 || !URL.canParse(text)) return null;
  return /^https?:$/.test(new URL(text).protocol) ? text : null;
}
