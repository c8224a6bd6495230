import { z } from "zod";
import type { MemberKind } from "../member.ts";
import { answersOf, serverInput } from "./verify.ts";

const input = z.strictObject({
  /** The public name. */
  name: z.string().min(1).max(253),
  type: z.enum(["A", "AAAA", "CNAME"]).default("A"),
  /** What it answers while traffic leads here: one of these. */
  values: z.array(z.string().min(1)).min(1).max(20),
  /** The zone's own name servers: what a resolver remembers is of before. */
  nameServers: z.array(serverInput).min(1).max(10),
});

/** Where a public name leads, by the zone's own name servers. A record that still answers something else is a standby. */
export const dnsMember: MemberKind<z.infer<typeof input>> = {
  kind: "dns",
  input,
  async look(ctx, { name, type, values, nameServers }) {
    const heard = await answersOf(ctx, { name, type, nameServers });
    if (heard.answers.length === 0)
      return { state: "unclear", says: `${name} is not answered: ${heard.why ?? "no record"}` };
    const here = heard.answers.filter((answer) => values.some((value) => same(value, answer)));
    const says = `${name} leads to ${heard.answers.join(", ")}`;
    return { state: here.length > 0 ? "active" : "standby", says };
  },
};

function same(a: string, b: string): boolean {
  return a.toLowerCase().replace(/\.$/, "") === b.toLowerCase().replace(/\.$/, "");
}
