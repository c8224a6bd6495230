import { z } from "zod";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import { get } from "../../lib/web.ts";
import { after, awaited } from "../awaited.ts";
import type { Check, Evidence, Fact, MeasuredLoss, ReadContext } from "../contract.ts";
import { defineRead } from "../read.ts";
import { CONTRACTS, insistOn } from "../versions.ts";
import { withNode } from "./client.ts";
import { asLogin, loginInput, type Node, nodeInput, resourceOf } from "./node.ts";
import { probeWrite } from "./probe.ts";
import { ask, camel, queryInput } from "./queries.ts";
import { identityChecks, lookAt, type NodeView, silenceOf } from "./view.ts";

const input = z.strictObject({
  node: nodeInput,
  after,
  /** Tries a write as this login, leaving nothing behind. */
  writesAs: loginInput.optional(),
  /** Each is run read-only; the first column of its first row is compared. */
  queries: z.array(queryInput).max(20).default([]),
  /** The application's own list of rows it was told are safe, to be found in `table`. */
  ledger: z
    .strictObject({
      /** `lifeboat.ledger/1` (docs/contracts.md): `{ "acknowledged": [{ "id": "…", "at": "2026-11-21T10:00:00.000Z" }] }`. */
      url: z.url(),
      table: z.string().regex(/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/),
      column: z
        .string()
        .regex(/^[a-z_][a-z0-9_]*$/)
        .default("id"),
      maxLostRows: z.number().int().min(0).optional(),
    })
    .optional(),
});
type Input = z.infer<typeof input>;

const LEDGER_BYTES_MAX = 64 * 1024 * 1024;
const entry = z.object({ id: z.union([z.string(), z.number()]).transform(String), at: z.iso.datetime() });
const ledgerAnswer = z.object({ contract: z.string().optional(), acknowledged: z.array(entry) });
type Entry = z.infer<typeof entry>;

/** Looks at the data itself: counts, a write, and the rows the application was told are safe. */
export const verify = defineRead<Input, NodeView>({
  id: "postgres.verify",
  summary: "Look at the data: it takes writes, counts are as expected, and which acknowledged rows are missing",
  input,
  budget: { typicalSeconds: 2, warnSeconds: 15, failSeconds: 60 },
  observe: (ctx, { node }) => lookAt(ctx, node),
  facts: (seen) => [{ id: "role", label: `${seen.name} is`, value: seen.answers ? seen.role : null, material: false }],
  ready: (seen, given, evidence) => awaited([...identityChecks(seen), answers(seen)], given.after, evidence),
  async verify(ctx, given) {
    const facts: Fact[] = [];
    const says: string[] = [];
    if (given.writesAs)
      says.push(await writes(ctx, given.node, given.writesAs.user, asLogin(given.node, given.writesAs)));
    for (const query of given.queries) {
      const value = await ask(ctx, given.node, query);
      facts.push({ id: camel(query.label), label: query.label, value, material: false });
      says.push(`${query.label}: ${value}.`);
    }
    if (!given.ledger) return { says: says.join(" ") || `${given.node.name} answers.`, facts };
    return await withLedger(ctx, given, given.ledger, says, facts);
  },
});

function answers(seen: NodeView): Check {
  return {
    id: "node.answers",
    level: "block",
    ok: seen.answers,
    says: seen.answers ? `${seen.name} answers as ${seen.role}.` : `${seen.name} does not answer: ${seen.why}.`,
    ...silenceOf(seen),
  };
}

async function writes(ctx: ReadContext, node: Node, user: string, as: Node): Promise<string> {
  const probe = await probeWrite(ctx, as);
  if (probe.found === "writable") return `${node.name} takes writes by ${user}.`;
  const why = probe.found === "readOnly" ? "it is read-only" : probe.why;
  throw new LifeboatError({
    code: "not-writable",
    where: node.name,
    what: `${user} can't write: ${why}`,
    stateNow: `The application can't write to ${node.name}`,
  });
}

async function withLedger(
  ctx: ReadContext,
  { node, after: step }: Input,
  ledger: NonNullable<Input["ledger"]>,
  says: string[],
  facts: Fact[],
): Promise<Evidence> {
  const acknowledged = await readLedger(ctx, ledger.url);
  const lost = await absentFrom(ctx, node, ledger, acknowledged);
  // What the step before could not measure is measured here, by whatever address this server is reached.
  const earlier = step === undefined ? null : ctx.evidenceOf(step)?.rpo;
  const rpo = measured(earlier?.subject ?? resourceOf(node), acknowledged, lost);
  const limit = ledger.maxLostRows;
  if (limit !== undefined && lost.length > limit) {
    throw new LifeboatError({
      code: "rows-lost",
      where: node.name,
      what: `${lost.length} acknowledged rows are missing from ${ledger.table}; ${limit} were accepted`,
      stateNow: `${node.name} runs without them; the first is ${lost[0]?.id}`,
      next: "Look for them on the old primary before it is rejoined",
    });
  }
  const sentence =
    lost.length === 0
      ? `All ${acknowledged.length} acknowledged rows are there.`
      : `${lost.length} of ${acknowledged.length} acknowledged rows are missing (${rpo.seconds} s of writes).`;
  return {
    says: [...says, sentence].join(" "),
    facts: [
      ...facts,
      { id: "acknowledgedRows", label: "Rows acknowledged", value: acknowledged.length, material: false },
      { id: "lostRows", label: "Rows lost", value: lost.length, material: false },
    ],
    rpo,
  };
}

async function readLedger(ctx: ReadContext, url: string): Promise<readonly Entry[]> {
  const rule = { practice: ctx.practice, seconds: 15, bytesMax: LEDGER_BYTES_MAX, signal: ctx.signal };
  const answer = await get(url, rule);
  if (answer.status !== 200 || answer.cut) {
    const what = answer.cut ? "more than 64 MiB" : `status ${answer.status}`;
    throw new LifeboatError({ code: "ledger-unreadable", where: url, what: `The ledger answered ${what}` });
  }
  try {
    const { contract = null, acknowledged } = ledgerAnswer.parse(JSON.parse(answer.body));
    insistOn(CONTRACTS.ledger, { contract }, url);
    return acknowledged;
  } catch (error) {
    if (error instanceof LifeboatError) throw error;
    throw new LifeboatError(
      { code: "ledger-unreadable", where: url, what: `This is not a ledger: ${messageOf(error).slice(0, 200)}` },
      { cause: error },
    );
  }
}

async function absentFrom(
  ctx: ReadContext,
  node: Node,
  ledger: { readonly table: string; readonly column: string },
  acknowledged: readonly Entry[],
): Promise<readonly Entry[]> {
  const missing = await withNode(
    ctx,
    node,
    async (db) => {
      await db.query("begin read only");
      return await db.query<{ id: string }>(
        `select listed.id from unnest($1::text[]) as listed (id)
          where not exists (select from ${ledger.table} kept where kept.${ledger.column}::text = listed.id)`,
        [acknowledged.map((one) => one.id)],
      );
    },
    30,
  );
  const gone = new Set(missing.map((row) => row.id));
  return acknowledged.filter((one) => gone.has(one.id)).sort((a, b) => a.at.localeCompare(b.at));
}

/** From the last acknowledged row that was kept before the first lost one, to the last lost one. */
function measured(subject: string, acknowledged: readonly Entry[], lost: readonly Entry[]): MeasuredLoss {
  const method = `the application's own ledger: ${acknowledged.length} acknowledged rows, ${lost.length} not found`;
  const [first, last] = [lost[0], lost.at(-1)];
  if (first === undefined || last === undefined) return { subject, seconds: 0, rows: 0, method };
  const gone = new Set(lost.map((one) => one.id));
  const kept = acknowledged.filter((one) => !gone.has(one.id) && one.at <= first.at).map((one) => Date.parse(one.at));
  const from = kept.length === 0 ? Date.parse(first.at) : kept.reduce((a, b) => Math.max(a, b));
  return { subject, seconds: Math.round(Date.parse(last.at) - from) / 1000, rows: lost.length, method };
}
