import { isAbsolute } from "node:path";
import { z } from "zod";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import { type ApplyContext, type Check, defineAction, type Fact, type ReadContext } from "../contract.ts";
import { type Answered, askOnce, expectation } from "../expectation.ts";
import { until } from "../poll.ts";
import { byHand, inverse, undoneBy } from "../undo.ts";
import { lookAtTraefik, type Routed } from "./api.ts";
import { type FileView, leadInput, readLead, sameLead, sayLead, writeLead } from "./file.ts";

/** One service of one Traefik. */
export const switchPlace = {
  /** The file its file provider watches, as this machine sees it. */
  file: z.string().refine(isAbsolute, "has to be an absolute path"),
  /** Traefik's API: `http://127.0.0.1:8080`. */
  api: z.url({ protocol: /^https?$/ }),
  login: z.strictObject({ user: z.string().min(1), passwordFrom: z.string().min(1) }).optional(),
  service: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/),
};

const input = z.strictObject({
  ...switchPlace,
  /** Where it is to lead: `servers`, or `weights` of services the file names. */
  to: leadInput,
  /** What the target answers by itself, before anything is led there. */
  target: z.array(expectation).max(20).default([]),
  /** What has to be answered through Traefik afterwards. */
  probe: expectation,
  /** How many good answers in a row count. */
  times: z.number().int().min(1).max(20).default(3),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly file: FileView | null;
  readonly fault: string | null;
  readonly routed: Routed;
  readonly target: readonly Answered[];
}

/**
 * Leads a service elsewhere by rewriting the file Traefik watches, and believes it when Traefik says that every server
 * there is up and the probe is answered through it.
 */
export const switchService = defineAction<Input, Seen>({
  id: "traefik.switch",
  summary: "Lead a Traefik service to other servers, and see that they answer through it",
  input,
  risk: "reversible",
  service: "interrupts",
  leads: true,
  endsFence: true,
  repeat: "safe",
  budget: { typicalSeconds: 5, warnSeconds: 30, failSeconds: 120 },
  resources: ({ file, service }) => [`traefik:${file}/${service}`],
  observe: look,
  facts: factsOf,
  ready: checksOf,
  done: ({ file }, { to }) => (file === null ? "unknown" : sameLead(file.lead, to) ? "yes" : "no"),
  async apply(ctx, { file, service, to }, seen) {
    if (seen.file === null) throw new LifeboatError({ code: "file-unread", where: file, what: seen.fault ?? "" });
    ctx.progress(`${service}: to ${sayLead(to)}`);
    await writeLead(file, service, to, seen.file.sha256);
    return { before: `${file}.before` };
  },
  verify: seenSo,
  undo: undoneBy(({ file }, given) => {
    const to = file?.lead;
    if (!to) return byHand(`Where it led before was not seen. The file as it was is ${given.file}.before.`);
    // What the other side answers says nothing about this one: it has to answer at all.
    const { pathname } = new URL(given.probe.url);
    const { status } = given.probe;
    const target = "servers" in to ? to.servers.map((url) => ({ url: new URL(pathname, url).href, status })) : [];
    const input = { ...given, to, target, probe: { url: given.probe.url, status } };
    return inverse("traefik.switch", input, `Lead ${given.service} back to ${sayLead(to)}`);
  }),
});

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const [read, routed, target] = await Promise.all([
    readLead(given.file, given.service).then(
      (file) => ({ file, fault: null }),
      (error) => ({ file: null, fault: messageOf(error) }),
    ),
    lookAtTraefik(ctx, given, given.service),
    Promise.all(given.target.map((one) => askOnce(ctx, one))),
  ]);
  return { ...read, routed, target };
}

async function seenSo(ctx: ApplyContext, given: Input) {
  const { service, to, probe, times } = given;
  let state = "Nothing was seen yet";
  let good = 0;
  return await until(
    {
      what: `${service} to lead to ${sayLead(to)} and to answer`,
      seconds: ctx.budget.failSeconds * 0.8,
      everyMilliseconds: 200,
      signal: ctx.signal,
      stateNow: () => state,
    },
    async () => {
      const routed = await lookAtTraefik(ctx, given, service);
      const down = Object.entries(routed.servers).filter(([, status]) => status !== "UP");
      state = sayRouted(routed);
      if (!routed.answers || !sameLead(routed.lead, to) || down.length > 0) return reset();
      const answered = await askOnce(ctx, probe);
      state = `${state}; ${probe.url} ${answered.says}`;
      if (!answered.met) return reset();
      good += 1;
      if (good < times) return null;
      return {
        says: `${service} leads to ${sayLead(to)}; every server is up, and ${probe.url} answered as expected ${times} times in a row.`,
        facts: [{ id: "lead", label: `${service} leads to`, value: sayLead(to), material: false }],
      };
    },
  );

  function reset(): null {
    good = 0;
    return null;
  }
}

function sayRouted({ answers, why, lead, servers }: Routed): string {
  if (!answers) return why ?? "Traefik does not answer";
  const states = Object.entries(servers).map(([url, status]) => `${url} ${status}`);
  return `It leads to ${lead ? sayLead(lead) : "nothing it knows"} (${states.join(", ") || "no servers"})`;
}

function factsOf({ file, routed }: Seen, { service, to }: Input): readonly Fact[] {
  return [
    { id: "traefikAnswers", label: "Traefik answers", value: routed.answers, material: true },
    { id: "lead", label: `${service} leads to`, value: file?.lead ? sayLead(file.lead) : null, material: true },
    { id: "to", label: `${service} is to lead to`, value: sayLead(to), material: true },
  ];
}

function checksOf(seen: Seen, given: Input): readonly Check[] {
  const { file, fault, routed } = seen;
  const answers = routed.answers ? "Traefik answers." : `Traefik does not answer: ${routed.why}.`;
  const readable = file ? `${given.file} can be read.` : `${given.file} can't be used: ${fault}.`;
  return [
    block("traefik.answers", routed.answers, answers),
    block("file.readable", file !== null, readable),
    ...(file ? [present(file, given)] : []),
    ...(routed.answers ? [targetUp(seen, given)] : []),
  ];
}

function present({ lead }: FileView, { service, to, file }: Input): Check {
  const kind = "servers" in to ? "servers" : "weights";
  const ok = lead !== null && kind in lead;
  const says = ok ? `${service} leads to ${sayLead(lead)}.` : `${file} has no service ${service} with ${kind}.`;
  return block("service.present", ok, says);
}

/** Traefik knows the state of servers it already has; of others only a look at themselves tells. */
function targetUp({ routed, target, file }: Seen, { to }: Input): Check {
  const unmet = target.filter((one) => !one.met);
  if (unmet.length > 0) {
    const says = unmet.map(({ url, says }) => `${url} ${says}.`).join(" ");
    return { ...block("target.answers", false, says), madeSoBy: { actions: STARTS } };
  }
  if (target.length > 0) return block("target.answers", true, "The target answers by itself.");
  const known = "servers" in to && to.servers.every((url) => routed.servers[url] === "UP");
  if (known || sameLead(file?.lead ?? null, to)) return block("target.answers", true, "Traefik sees the target up.");
  return {
    ...block("target.answers", false, "Traefik has not looked at the target yet."),
    next: "Say under `target` what it answers by itself.",
  };
}

/** What has a server answer that was not there yet. */
const STARTS = ["compose.start", "compose.restart", "compose.rollback", "kubernetes.scale", "kubernetes.restart"];

function block(id: string, ok: boolean, says: string): Check {
  return { id, level: "block", ok, says };
}
