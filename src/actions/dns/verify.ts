import { Resolver, resolveNs } from "node:dns/promises";
import { isIP } from "node:net";
import { z } from "zod";
import { allowedAddresses } from "../../lib/address.ts";
import { withDeadline } from "../../lib/deadline.ts";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { until } from "../poll.ts";
import { defineRead } from "../read.ts";

export const serverInput = z.strictObject({
  host: z.string().min(1),
  port: z.number().int().min(1).max(65_535).default(53),
});
const input = z
  .strictObject({
    name: z.string().min(1).max(253),
    type: z.enum(["A", "AAAA", "CNAME", "TXT"]).default("A"),
    /** Every answer has to be among these. */
    expect: z.array(z.string().min(1)).min(1).max(50),
    /** The zone whose name servers are asked first; looked up when they are not given. */
    zone: z.string().min(1).optional(),
    nameServers: z.array(serverInput).max(10).default([]),
    resolvers: z
      .array(serverInput)
      .max(10)
      .default([
        { host: "1.1.1.1", port: 53 },
        { host: "8.8.8.8", port: 53 },
      ]),
    /** Weighted records answer by chance, so each server is asked this often. */
    samples: z.number().int().min(1).max(20).default(3),
    everySeconds: z.number().min(0.02).max(60).default(2),
    /** Waits no longer than this; left out: as long as the step may take. */
    waitSeconds: z.number().min(0).max(570).optional(),
    /** False: another answer, after that time, is a finding (`asExpected`) on which later steps depend, and no failure. */
    required: z.boolean().default(true),
  })
  .refine(({ zone, nameServers }) => zone !== undefined || nameServers.length > 0, {
    path: ["nameServers"],
    message: "is needed where no zone is given",
  });
type Input = z.infer<typeof input>;
type Server = z.infer<typeof serverInput>;

interface Asked {
  readonly server: string;
  readonly authoritative: boolean;
  readonly answers: readonly string[];
  readonly ttlSeconds: number | null;
  /** As the end of a sentence about the server; null when it answers as expected. */
  readonly wrong: string | null;
}

const ASK_SECONDS = 3;

/** Asks the zone's own name servers and public resolvers until all of them give the new answer. */
export const verify = defineRead<Input, readonly Asked[]>({
  id: "dns.verify",
  summary: "Ask name servers and resolvers until all of them give the expected answer",
  input,
  budget: { typicalSeconds: 60, warnSeconds: 180, failSeconds: 600 },
  observe: look,
  facts: (seen, given) => factsOf(seen, given),
  // What names answer before a change is shown and stands in no one's way.
  ready: (seen) => seen.map(checkOf),
  async verify(ctx, given) {
    let state = "No server has been asked";
    const seconds = Math.min(given.waitSeconds ?? Number.POSITIVE_INFINITY, ctx.budget.failSeconds * 0.95);
    const end = performance.now() + seconds * 1000;
    const seen = await until(
      {
        what: `${given.name} being ${given.expect.join(" or ")} everywhere`,
        seconds,
        everyMilliseconds: given.everySeconds * 1000,
        signal: ctx.signal,
        stateNow: () => state,
      },
      async () => {
        const now = await look(ctx, given);
        const wrong = now.filter((one) => one.wrong !== null);
        const says = wrong.map((one) => `${one.server} ${one.wrong}`).join("; ");
        if (says !== "" && says !== state) ctx.progress(says);
        state = says;
        return wrong.length === 0 || (!given.required && performance.now() >= end) ? now : null;
      },
    );
    const tail = tailOf(seen);
    const asExpected = seen.every((one) => one.wrong === null);
    const facts = [
      ...factsOf(seen, given),
      { id: "asExpected", label: `${given.name} is as expected`, value: asExpected, material: false },
    ];
    if (!asExpected) return { says: `After ${seconds} s: ${state}.`, facts };
    return {
      says: `${seen.length} servers answer ${given.name} with ${given.expect.join(" or ")}. Clients may keep the old answer for up to ${tail ?? "an unknown number of"} s.`,
      facts,
    };
  },
});

async function look(ctx: ReadContext, given: Input): Promise<readonly Asked[]> {
  const own = given.nameServers.length > 0 ? given.nameServers : await nameServersOf(ctx, given.zone ?? given.name);
  return await Promise.all([
    ...own.map((one) => ask(ctx, given, one, true)),
    ...given.resolvers.map((one) => ask(ctx, given, one, false)),
  ]);
}

/** Public name servers are found over the public; in practice they are given, and nothing outside is asked. */
async function nameServersOf(ctx: ReadContext, zone: string): Promise<Server[]> {
  if (ctx.practice) {
    throw new LifeboatError({
      code: "dns-servers-missing",
      what: `In practice the name servers of ${zone} are not looked up`,
      next: "Give nameServers and resolvers of the practice environment",
    });
  }
  const names = await withDeadline(`The name servers of ${zone}`, ASK_SECONDS, () => resolveNs(zone), ctx.signal);
  return names.map((host) => ({ host, port: 53 }));
}

async function ask(ctx: ReadContext, given: Input, one: Server, authoritative: boolean): Promise<Asked> {
  const named = `${one.host}:${one.port}`;
  const [address] = await allowedAddresses(one.host, { practice: ctx.practice, signal: ctx.signal });
  const answers: string[] = [];
  let ttlSeconds: number | null = null;
  const resolver = new Resolver({ timeout: 1_000, tries: 2 });
  resolver.setServers([isIP(address ?? "") === 6 ? `[${address}]:${one.port}` : `${address}:${one.port}`]);
  try {
    for (let i = 0; i < given.samples; i++) {
      const found = await withDeadline(named, ASK_SECONDS, () => resolve(resolver, given), ctx.signal);
      answers.push(...found.map((answer) => answer.value));
      for (const { ttl } of found) if (ttl !== null) ttlSeconds = Math.max(ttlSeconds ?? 0, ttl);
    }
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { server: named, authoritative, answers: [], ttlSeconds, wrong: `does not answer: ${messageOf(error)}` };
  } finally {
    resolver.cancel();
  }
  const distinct = [...new Set(answers)].sort();
  const expected = new Set(given.expect.map(normal));
  const strays = distinct.filter((value) => !expected.has(normal(value)));
  const wrong = distinct.length === 0 ? "answers nothing" : strays.length > 0 ? `answers ${strays.join(", ")}` : null;
  return { server: named, authoritative, answers: distinct, ttlSeconds, wrong };
}

/** What the first of these servers that answers says; `why` is there when none does. */
export async function answersOf(
  ctx: ReadContext,
  { name, type, nameServers }: Pick<Input, "name" | "type" | "nameServers">,
): Promise<{ answers: readonly string[]; why: string | null }> {
  const question = { name, type, expect: [], resolvers: [], nameServers, samples: 1, everySeconds: 1, required: false };
  let why: string | null = null;
  for (const one of nameServers) {
    const asked = await ask(ctx, question, one, true);
    if (asked.answers.length > 0) return { answers: asked.answers, why: null };
    why = `${asked.server} ${asked.wrong}`;
  }
  return { answers: [], why };
}

async function resolve(resolver: Resolver, { name, type }: Input): Promise<{ value: string; ttl: number | null }[]> {
  switch (type) {
    case "A":
      return (await resolver.resolve4(name, { ttl: true })).map(({ address, ttl }) => ({ value: address, ttl }));
    case "AAAA":
      return (await resolver.resolve6(name, { ttl: true })).map(({ address, ttl }) => ({ value: address, ttl }));
    case "CNAME":
      return (await resolver.resolveCname(name)).map((value) => ({ value, ttl: null }));
    case "TXT":
      return (await resolver.resolveTxt(name)).map((parts) => ({ value: parts.join(""), ttl: null }));
    default:
      return type satisfies never;
  }
}

function checkOf(one: Asked, i: number): Check {
  const says = `${one.server} ${one.wrong ?? `answers ${one.answers.join(", ")}`}.`;
  return { id: `server.${i + 1}`, level: "warn", ok: one.wrong === null, says };
}

function factsOf(seen: readonly Asked[], { name }: Input): Fact[] {
  return [
    ...seen.map((one, i) => ({
      id: `answer${i + 1}`,
      label: `${name} at ${one.server}`,
      value: one.answers.join(", ") || null,
      material: false,
    })),
    { id: "dnsTailSeconds", label: "Old answers live on for, seconds", value: tailOf(seen), material: false },
  ];
}

/** By the zone's own servers: a resolver counts down what is left of it. */
function tailOf(seen: readonly Asked[]): number | null {
  const all = seen.flatMap((one) => (one.authoritative && one.ttlSeconds !== null ? [one.ttlSeconds] : []));
  return all.length === 0 ? null : Math.max(...all);
}

function normal(value: string): string {
  return value.toLowerCase().replace(/\.$/, "");
}
