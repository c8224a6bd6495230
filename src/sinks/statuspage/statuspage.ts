import { z } from "zod";
import type { ComponentStatus, PostedUpdate } from "../../incident/events.ts";
import { withDeadline } from "../../lib/deadline.ts";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import type { DueItem } from "../../projection/deliveries.ts";
import type { Sent, Sink } from "../../projection/worker.ts";

/** What stands on a page at Atlassian Statuspage, as the delivery keeps it. */
export interface Notice {
  readonly incident: string;
  readonly pageId: string;
  readonly name: string;
  readonly body: string;
  readonly status: NonNullable<PostedUpdate["page"]>["status"];
  readonly impact: NonNullable<PostedUpdate["page"]>["impact"];
  /** Component id at Statuspage → what it is now. */
  readonly components: Readonly<Record<string, ComponentStatus>>;
}

export interface StatuspageOptions {
  /** `https://api.statuspage.io/v1` */
  readonly apiUrl: string;
  readonly key: string;
  readonly seconds?: number;
}

const incidentShape = z.object({
  id: z.string(),
  shortlink: z.string().nullish(),
  metadata: z.object({ lifeboat: z.object({ incident: z.string() }).optional() }).catch({}),
  incident_updates: z.array(z.object({ body: z.string().nullish(), status: z.string().nullish() })).catch([]),
});
type Incident = z.infer<typeof incidentShape>;

/** How many of its newest incidents are looked through for one whose making was never answered. */
const LOOKED_AT = 50;

/** A page at Atlassian Statuspage. What may have arrived is looked for before it is said again. */
export function createStatuspage({ apiUrl, key, seconds = 10 }: StatuspageOptions): Sink {
  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const url = `${apiUrl.replace(/\/$/, "")}${path}`;
    return await withDeadline("Statuspage", seconds, async (signal) => {
      const response = await fetch(url, {
        method,
        headers: { authorization: `OAuth ${key}`, "content-type": "application/json", accept: "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: "error",
        signal,
      });
      return { status: response.status, body: await response.text() };
    });
  };

  async function tell(notice: Notice, letter: DueItem): Promise<Sent> {
    const incidents = `/pages/${notice.pageId}/incidents`;
    let known = letter.reference;
    if (letter.unsure) {
      const there = await find(notice, known);
      if ("how" in there) return there;
      if (there.found !== null && has(there.found, notice)) return delivered(there.found);
      known = there.found?.id ?? null;
    }
    const path = known === null ? incidents : `${incidents}/${known}`;
    const answer = await ask(known === null ? "POST" : "PATCH", path, { incident: incidentOf(notice, known === null) });
    // Someone took it off the page by hand: it is put there again.
    if (known !== null && answer.status === 404) return tell(notice, { ...letter, unsure: false, reference: null });
    return settled(answer);
  }

  async function find(notice: Notice, known: string | null): Promise<{ found: Incident | null } | Sent> {
    const incidents = `/pages/${notice.pageId}/incidents`;
    const answer = await ask("GET", known === null ? `${incidents}?limit=${LOOKED_AT}` : `${incidents}/${known}`);
    if (answer.status === 404) return { found: null };
    if (answer.status !== 200) return settled(answer);
    const list = z
      .union([z.array(incidentShape), incidentShape.transform((one) => [one])])
      .parse(JSON.parse(answer.body));
    return {
      found: list.find(({ id, metadata }) => id === known || metadata.lifeboat?.incident === notice.incident) ?? null,
    };
  }

  return {
    name: "statuspage",
    async send(letter) {
      try {
        return await tell(letter.desired as Notice, letter);
      } catch (error) {
        return unheard(error);
      }
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function incidentOf(notice: Notice, isNew: boolean) {
  const { name, body, status, impact, components, incident } = notice;
  return {
    ...{ name, body, status, impact_override: impact, deliver_notifications: true },
    ...(Object.keys(components).length > 0 && { components, component_ids: Object.keys(components) }),
    ...(isNew && { metadata: { lifeboat: { incident } } }),
  };
}

function has({ incident_updates }: Incident, { body, status }: Notice): boolean {
  return incident_updates.some((update) => update.body === body && update.status === status);
}

function delivered({ id, shortlink }: Incident): Sent {
  return { how: "delivered", told: { to: shortlink ?? "the page" }, reference: id, says: null };
}

function settled({ status, body }: Answer): Sent {
  if (status >= 200 && status < 300) {
    const read = incidentShape.safeParse(jsonOf(body));
    return read.success
      ? delivered(read.data)
      : { how: "delivered", told: { to: "the page" }, reference: null, says: null };
  }
  const says = `Statuspage answers ${status}: ${body.replace(/\s+/g, " ").slice(0, 150)}`;
  if (status === 400 || status === 422) return { how: "never", says };
  // 420 and 429: too many requests. A wrong key or page can be put right, and then it goes out.
  return { how: "later", sure: status < 500 || status === 503, says };
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function unheard(error: unknown): Sent {
  const cause = (error as { cause?: { code?: unknown } }).cause?.code;
  const never = cause === "ECONNREFUSED" || cause === "ENOTFOUND" || cause === "EAI_AGAIN";
  const says =
    error instanceof LifeboatError
      ? messageOf(error)
      : `Statuspage does not answer (${String(cause ?? messageOf(error))})`;
  return { how: "later", sure: never, says };
}
