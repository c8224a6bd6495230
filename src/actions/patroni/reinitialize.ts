import { z } from "zod";
import { after, awaited } from "../awaited.ts";
import { type Check, defineAction } from "../contract.ts";
import { until } from "../poll.ts";
import { neverUndone } from "../undo.ts";
import { clusterInput, command, resourceOf } from "./client.ts";
import { everyApi, factsOf, ledBySomeone, notPaused } from "./readiness.ts";
import { type ClusterView, followerNamed, lookAtCluster, memberNamed } from "./view.ts";

const input = z.strictObject({
  cluster: clusterInput,
  /** A replica: its data folder is thrown away and copied from the leader. */
  member: z.string().min(1),
  after,
});
type Input = z.infer<typeof input>;

/** Rebuilds one replica from the leader. */
export const reinitialize = defineAction<Input, ClusterView>({
  id: "patroni.reinitialize",
  summary: "Throw a Patroni replica's data away and copy it from the leader, until it streams",
  input,
  risk: "irreversible",
  service: "aside",
  opens: () => true,
  repeat: "destructive",
  budget: { typicalSeconds: 60, warnSeconds: 3600, failSeconds: 43_200 },
  resources: ({ cluster }) => resourceOf(cluster),
  observe: (ctx, { cluster }) => lookAtCluster(ctx, cluster),
  facts: (seen, { member }) => [
    ...factsOf(seen, null),
    { id: "rebuilt", label: "Is rebuilt", value: member, material: true },
    { id: "state", label: `${member} is`, value: memberNamed(seen, member)?.state ?? null, material: false },
  ],
  ready: (seen, { cluster, member, after }, evidence) =>
    awaited(
      [everyApi(seen), ledBySomeone(seen), notPaused(seen), expendable(seen, member, cluster.api)],
      after,
      evidence,
    ),
  // That it streams now says nothing about whether it was rebuilt: a person who asked for it means it.
  done: () => "no",
  async apply(ctx, { cluster, member }) {
    ctx.progress(`${member} is rebuilt from the leader`);
    const base = cluster.api[member] as string;
    const request = { base, method: "POST", path: "/reinitialize", body: { force: true } } as const;
    const { text } = await command(ctx, cluster, request, 30);
    return { said: text.trim().slice(0, 200) };
  },
  async verify(ctx, { cluster, member }) {
    let [polls, left] = [0, false];
    const started = performance.now();
    await until(
      {
        what: `${member} streaming from the leader`,
        seconds: ctx.budget.failSeconds / 2,
        everyMilliseconds: 500,
        signal: ctx.signal,
      },
      async () => {
        const seen = await lookAtCluster(ctx, cluster);
        const one = followerNamed(seen, member);
        const streams = one?.state === "streaming" && one.lagBytes === 0;
        left ||= !streams;
        polls = streams ? polls + 1 : 0;
        // Patroni answers before it begins: what streams at once may be the old data.
        return polls >= 2 && (left || performance.now() - started > 10_000) ? true : null;
      },
    );
    return {
      says: `${member} streams from the leader, 0 bytes behind, seen twice.`,
      facts: [{ id: "streaming", label: `${member} streams`, value: true, material: false }],
    };
  },
  undo: neverUndone(({ member }) => `What ${member} held before was replaced.`),
});

function expendable(seen: ClusterView, name: string, api: Readonly<Record<string, string>>): Check {
  const member = memberNamed(seen, name);
  const wrong =
    api[name] === undefined
      ? "has no API address in this step"
      : member === null
        ? "is no member"
        : name === seen.leader
          ? "leads: rebuilding it would destroy the newest data"
          : null;
  return {
    id: "member.expendable",
    level: "block",
    ok: wrong === null,
    says: wrong === null ? `${name} is a replica and can be rebuilt.` : `${name} ${wrong}.`,
  };
}
