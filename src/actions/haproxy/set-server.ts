import { z } from "zod";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import { type ApplyContext, type Check, defineAction, type Fact, type ReadContext } from "../contract.ts";
import { askOnce, expectation } from "../expectation.ts";
import { until } from "../poll.ts";
import { byHand, inverse, undoneBy } from "../undo.ts";
import { order, placeOf, type RuntimeTarget, runtimeInput } from "./runtime.ts";

const word = z.string().regex(/^[A-Za-z0-9_.:-]+$/);
const state = z.enum(["ready", "drain", "maint"]);

const input = z.strictObject({
  haproxy: runtimeInput,
  /** In this order: those that take over first, so that there is no moment without a server. */
  servers: z
    .array(z.strictObject({ backend: word, server: word, state }))
    .min(1)
    .max(50),
  /** What has to be answered through HAProxy afterwards. */
  probe: expectation.optional(),
});
type Input = z.infer<typeof input>;

interface ServerView {
  readonly ref: string;
  readonly state: z.infer<typeof state>;
  /** HAProxy's own check sees it up. */
  readonly up: boolean;
}
interface Seen {
  readonly answers: boolean;
  readonly why: string | null;
  readonly servers: readonly ServerView[];
}

/** Told, inherited, unresolved. That the file says `disabled` (0x04) stays set when it is told to be ready. */
const MAINTENANCE = 0x01 | 0x02 | 0x20 | 0x40;
const DRAINING = 0x08 | 0x10;
const RUNNING = "2";

/** Sets servers ready, draining or in maintenance: one request, in force at once, forgotten at HAProxy's next reload. */
export const setServer = defineAction<Input, Seen>({
  id: "haproxy.set_server",
  summary: "Take servers of HAProxy into or out of use",
  input,
  risk: "reversible",
  service: "restores",
  leads: true,
  repeat: "safe",
  budget: { typicalSeconds: 2, warnSeconds: 15, failSeconds: 60 },
  resources: ({ haproxy, servers }) => servers.map((one) => `haproxy:${placeOf(haproxy)}/${refOf(one)}`),
  observe: (ctx, { haproxy }) => look(ctx, haproxy),
  facts: factsOf,
  ready: (seen, given) => [
    answersCheck(seen, given),
    ...(seen.answers ? [present(seen, given), someoneLeft(seen, given)] : []),
  ],
  done(seen, { servers }) {
    if (!seen.answers) return "unknown";
    return servers.every((wish) => viewOf(seen, refOf(wish))?.state === wish.state) ? "yes" : "no";
  },
  async apply(ctx, { haproxy, servers }) {
    const line = servers.map((one) => `set server ${refOf(one)} state ${one.state}`).join("; ");
    ctx.progress(line);
    // It says nothing when it did it.
    const answer = (await order(ctx, haproxy, line)).trim();
    if (answer === "") return {};
    throw new LifeboatError({
      code: "haproxy-refused",
      where: placeOf(haproxy),
      what: `HAProxy answered: ${answer.slice(0, 300)}`,
    });
  },
  verify: seenSo,
  undo: undoneBy((before, { haproxy, servers }) => {
    const former = servers.flatMap((one) => {
      const view = viewOf(before, refOf(one));
      return view === undefined ? [] : [{ ...one, state: view.state }];
    });
    if (!before.answers || former.length < servers.length) return byHand("The states before were not seen.");
    // Those that take over first, as in the input.
    const inOrder = former.toSorted((a, b) => Number(b.state === "ready") - Number(a.state === "ready"));
    const says = `Set ${inOrder.map((one) => `${refOf(one)} ${one.state}`).join(", ")}`;
    return inverse("haproxy.set_server", { haproxy, servers: inOrder }, says);
  }),
});

/** That it does not answer is an observation. */
async function look(ctx: ReadContext, target: RuntimeTarget): Promise<Seen> {
  try {
    const [info, table] = await Promise.all([
      order(ctx, target, "show info"),
      order(ctx, target, "show servers state"),
    ]);
    const node = /^node: (.*)$/m.exec(info)?.[1];
    if (target.node !== undefined && node !== target.node) {
      return { answers: false, why: `This is ${node}, and the plan is for ${target.node}`, servers: [] };
    }
    return { answers: true, why: null, servers: serversIn(table) };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { answers: false, why: messageOf(error), servers: [] };
  }
}

/** Columns: be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state … */
function serversIn(table: string): readonly ServerView[] {
  return table
    .split("\n")
    .filter((line) => /^\d+ /.test(line))
    .map((line) => line.split(" "))
    .filter((cells) => cells.length > 6)
    .map(([, backend, , server, , up, admin]) => ({
      ref: `${backend}/${server}`,
      state: Number(admin) & MAINTENANCE ? "maint" : Number(admin) & DRAINING ? "drain" : "ready",
      up: up === RUNNING,
    }));
}

async function seenSo(ctx: ApplyContext, { haproxy, servers, probe }: Input) {
  let now = "Nothing was seen yet";
  return await until(
    {
      what: `${servers.map((one) => `${refOf(one)} ${one.state}`).join(", ")}`,
      seconds: ctx.budget.failSeconds * 0.8,
      everyMilliseconds: 200,
      signal: ctx.signal,
      stateNow: () => now,
    },
    async () => {
      const seen = await look(ctx, haproxy);
      now = seen.answers ? seen.servers.map(say).join("; ") : (seen.why ?? "HAProxy does not answer");
      const so = servers.every((wish) => {
        const view = viewOf(seen, refOf(wish));
        return view?.state === wish.state && (wish.state !== "ready" || view.up);
      });
      if (!so) return null;
      const answered = probe && (await askOnce(ctx, probe));
      if (answered && !answered.met) {
        now = `${now}; ${answered.url} ${answered.says}`;
        return null;
      }
      const named = seen.servers.filter(({ ref }) => servers.some((one) => refOf(one) === ref));
      return {
        says: `${named.map(say).join("; ")}${answered ? `; ${answered.url} answered as expected` : ""}.`,
        facts: named.map(fact),
      };
    },
  );
}

function refOf({ backend, server }: { readonly backend: string; readonly server: string }): string {
  return `${backend}/${server}`;
}

function viewOf({ servers }: Seen, ref: string): ServerView | undefined {
  return servers.find((one) => one.ref === ref);
}

function say({ ref, state: admin, up }: ServerView): string {
  return `${ref} ${admin}${admin === "ready" ? (up ? ", up" : ", down") : ""}`;
}

function fact({ ref, state: value }: ServerView): Fact {
  return { id: `state:${ref}`, label: ref, value, material: true };
}

function factsOf(seen: Seen, { haproxy, servers }: Input): readonly Fact[] {
  return [
    { id: "haproxyAnswers", label: `HAProxy at ${placeOf(haproxy)} answers`, value: seen.answers, material: true },
    ...seen.servers.filter(({ ref }) => servers.some((one) => refOf(one) === ref)).map(fact),
  ];
}

function answersCheck({ answers, why }: Seen, { haproxy }: Input): Check {
  const says = answers ? "HAProxy answers." : `HAProxy at ${placeOf(haproxy)} can't be used: ${why}.`;
  return { id: "haproxy.answers", level: "block", ok: answers, says };
}

function present(seen: Seen, { servers }: Input): Check {
  const missing = servers.map(refOf).filter((ref) => !viewOf(seen, ref));
  const ok = missing.length === 0;
  return {
    id: "servers.present",
    level: "block",
    ok,
    says: ok ? "Every server is there." : `There is no ${missing.join(", no ")}.`,
  };
}

/** A backend no one is left in answers 503 to everyone. */
function someoneLeft(seen: Seen, { servers }: Input): Check {
  const backends = [...new Set(servers.map(({ backend }) => backend))];
  const empty = backends.filter((backend) => {
    const after = seen.servers
      .filter(({ ref }) => ref.startsWith(`${backend}/`))
      .map((view) => servers.find((one) => refOf(one) === view.ref)?.state ?? view.state);
    return !after.includes("ready");
  });
  const ok = empty.length === 0;
  const says = ok ? "Every backend keeps a server." : `${empty.join(", ")} would be left without a server.`;
  return { id: "backends.served", level: "block", ok, says };
}
