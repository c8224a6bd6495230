import { z } from "zod";
import { duration } from "./duration.ts";
import type { Audience, Cadence, Comms, Link, SeverityId } from "./types.ts";

/** How `cadence`, `comms` and `links` of a system are written, and what Lifeboat reads from them. */

export const audiences = [
  "responders",
  "executives",
  "customers",
  "status-page",
] as const satisfies readonly Audience[];

const words = z.string().trim().min(1, "It may not be empty");
const webLink = z
  .url({ protocol: /^https?$/, error: "An address of the web: https://status.example.com" })
  .max(2000, "An address has 2000 characters at most");
const componentId = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "An id is lower-case words joined by hyphens: database");

const promise = z
  .strictObject({
    firstNotice: duration.optional().describe("The first update is out within this time of the declaration: 15m"),
    updates: duration.optional().describe("While it is open, the next update within this time of the last: 30m"),
    resolution: duration.optional().describe("That it is over is said within this time of the resolution: 15m"),
    postmortem: duration.optional().describe("The post-mortem is published within this time of the resolution: 2d"),
    remind: duration.default(300).describe("The comms lead is reminded this long before; 5m if left out"),
    counts: z
      .array(z.enum(audiences))
      .min(1, "At least one audience")
      .optional()
      .describe("Only an update to one of these keeps the promise. Left out: to anyone"),
  })
  .describe("What people are promised; what is left out is not promised");

export const cadenceSchema = z
  .strictObject({ P0: promise.optional(), P1: promise.optional(), P2: promise.optional(), P3: promise.optional() })
  .describe("When people have to be told, by severity. Left out: nothing is promised");

const place = z
  .string()
  .regex(
    /^(incident|announce|[CG][A-Z0-9]{2,})$/,
    "`incident` (its own channel), `announce` (where it was announced), or a channel's id: C024BE91L",
  );

const route = z.strictObject({
  slack: z.array(place).default([]).describe("Channels: incident, announce, or a channel's id"),
  email: z.array(z.email("An e-mail address: leadership@example.com")).default([]).describe("Addresses, best lists"),
  page: z.boolean().default(false).describe("True: the status page says it too"),
});

export const commsSchema = z
  .strictObject({
    audiences: z
      .strictObject({
        responders: route.optional(),
        executives: route.optional(),
        customers: route.optional(),
        "status-page": route.optional(),
      })
      .default({})
      .describe("How each audience is reached"),
    statuspage: z
      .strictObject({
        pageId: z
          .string()
          .regex(/^[a-z0-9]{4,40}$/, "The page's id, as Statuspage shows it under API info: kctbh9vrtdwd"),
        components: z
          .record(componentId, z.string().regex(/^[a-z0-9]{4,40}$/, "A component's id at Statuspage"))
          .default({})
          .describe("Component of this system → its id at Statuspage"),
      })
      .optional()
      .describe("A page at Atlassian Statuspage, beside the built-in one. Its key is STATUSPAGE_API_KEY"),
    link: webLink.optional().describe("Where customers read the status page; updates point there"),
  })
  .describe("Who is told how. Left out: responders in the incident's channel, executives where it was announced");

export const linksSchema = z
  .array(z.strictObject({ title: words.max(255, "A title has 255 characters at most"), url: webLink }))
  .describe("Bookmarked in every incident's channel: runbook, dashboard");

type WrittenCadence = z.output<typeof cadenceSchema>;
type WrittenComms = z.output<typeof commsSchema>;
type WrittenLinks = z.output<typeof linksSchema>;

export function toCadence(written: WrittenCadence): readonly Cadence[] {
  return (Object.entries(written) as [SeverityId, WrittenCadence[SeverityId]][]).flatMap(([severity, one]) =>
    one === undefined
      ? []
      : [
          {
            severity,
            firstNoticeSeconds: one.firstNotice ?? null,
            updatesSeconds: one.updates ?? null,
            resolutionSeconds: one.resolution ?? null,
            postmortemSeconds: one.postmortem ?? null,
            remindSeconds: one.remind,
            counts: one.counts ?? audiences,
          },
        ],
  );
}

export function toComms(written: WrittenComms): Comms {
  const routes = audiences.flatMap((audience) => {
    const route = written.audiences[audience];
    if (route === undefined) return [];
    return [{ audience, slack: route.slack, email: route.email, page: route.page }];
  });
  const { statuspage } = written;
  return {
    routes,
    statuspage: statuspage
      ? {
          pageId: statuspage.pageId,
          components: Object.entries(statuspage.components).map(([component, id]) => ({ component, id })),
        }
      : null,
    link: written.link ?? null,
  };
}

export function toLinks(written: WrittenLinks): readonly Link[] {
  return written.map(({ title, url }) => ({ title, url }));
}
