import { z } from "zod";
import { messageOf } from "../../lib/errors.ts";
import { trimmedEnd } from "../../lib/trim.ts";
import type { MemberKind } from "../member.ts";
import { lookAtTraefik } from "./api.ts";
import { type Lead, readLead, sayLead } from "./file.ts";
import { switchPlace } from "./switch.ts";

const input = z.strictObject({
  ...switchPlace,
  /** Where the service leads while this member is the one in use. */
  url: z.url({ protocol: /^https?$/ }),
});

/** Which server a Traefik service leads to, by Traefik's own word; where that does not answer, by the file it watches. */
export const traefikMember: MemberKind<z.infer<typeof input>> = {
  kind: "traefik",
  input,
  async look(ctx, { url, file, service, ...place }) {
    const routed = await lookAtTraefik(ctx, place, service);
    if (routed.answers) return leading(url, service, routed.lead);
    try {
      return leading(url, service, (await readLead(file, service)).lead);
    } catch (error) {
      return { state: "silent", says: `${service} cannot be looked at: ${routed.why}; ${messageOf(error)}` };
    }
  },
};

function leading(url: string, service: string, lead: Lead | null) {
  if (lead === null) return { state: "unclear", says: `Traefik knows no service ${service}` } as const;
  const here = "servers" in lead && lead.servers.some((one) => bare(one) === bare(url));
  return { state: here ? "active" : "standby", says: `${service} leads to ${sayLead(lead)}` } as const;
}

function bare(url: string): string {
  return trimmedEnd(url, "/");
}
