import { z } from "zod";
import type { MemberKind } from "../member.ts";
import { ask, whyNot } from "./client.ts";

const input = z.strictObject({
  /** As `patronictl list` shows it. */
  name: z.string().min(1).max(63),
  /** `scope` in Patroni's configuration. */
  cluster: z.string().min(1).max(63),
  /** Its REST API: `https://10.0.0.5:8008`. */
  url: z.url({ protocol: /^https?$/ }),
});

const said = z.object({
  role: z.string().default("unknown"),
  state: z.string().default("unknown"),
  timeline: z.number().optional(),
  database_system_identifier: z.string().optional(),
  patroni: z.object({ scope: z.string() }),
});

const LEADERS = new Set(["master", "primary", "standby_leader"]);

/** A member of one Patroni cluster: active leads it (a standby cluster too), the others stand by while they run. */
export const patroniMember: MemberKind<z.infer<typeof input>> = {
  kind: "patroni",
  input,
  async look(ctx, { name, cluster, url }) {
    const text = await ask(ctx, url, "/patroni").then(
      (answer) => answer.text,
      (error: unknown) => {
        ctx.signal.throwIfAborted();
        whyNot(error);
        return null;
      },
    );
    if (text === null) return { state: "silent", says: `${name} does not answer` };
    const told = said.safeParse(JSON.parse(text));
    if (!told.success) return { state: "unclear", says: `${name} does not answer as Patroni does` };
    const { role, state, timeline, database_system_identifier: identity, patroni } = told.data;
    if (patroni.scope !== cluster)
      return { state: "unclear", says: `${name} is of cluster ${patroni.scope}, not of ${cluster}` };
    const runs = state === "running" || state === "streaming";
    const known = { ...(identity && { cluster: identity }), ...(timeline !== undefined && { order: timeline }) };
    if (!runs) return { state: "standby", streaming: false, ...known, says: `${name} is ${state}` };
    return LEADERS.has(role)
      ? { state: "active", ...known, says: `${name} leads` }
      : { state: "standby", ...known, says: `${name} is a replica` };
  },
};
