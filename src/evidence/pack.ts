import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Policy } from "../catalog/policy.ts";
import type { RunFigures } from "../incident/figures.ts";
import { type ResolvedIncident, trendDataOf, trendsOf } from "../incident/trends.ts";
import { canonicalBytes, hashOf, sha256 } from "../lib/canonical.ts";
import { projectRoot } from "../lib/root.ts";
import { trendPicture } from "../report/trend-picture.ts";
import type { StoredEvent } from "../timeline/contract.ts";
import type { ExportedPerson, ExportedStream, ExportReader } from "../timeline/export.ts";
import type { Keyring } from "../timeline/keys.ts";
import { CalendarRecords, type Due, duesOf } from "./calendar.ts";
import { controlsCsv } from "./controls.ts";
import { csv, csvRow } from "./csv.ts";
import { documentOf } from "./document.ts";
import type { OpenFile, PackFolder } from "./folder.ts";
import { indexPage } from "./index-page.ts";
import { actorId, ERASED, nameIn } from "./people.ts";
import { Policies, type PolicyVersion, policyFile } from "./policies.ts";
import { type Query, queryJson } from "./query.ts";
import { FOLDERS, RecordFold } from "./record.ts";
import { recordJson } from "./record-json.ts";
import {
  ACTIONS,
  type ActionRow,
  APPROVALS,
  type ApprovalRow,
  actionRows,
  approvalRows,
  BREAK_GLASS,
  type BreakGlassRow,
  breakGlassRows,
  DEVIATIONS,
  type DeviationRow,
  deviationRows,
  dueRow,
  REFUSALS,
  type RefusalRow,
  type RegisterRow,
  refusalRows,
  registerCsv,
  registerRows,
  SIGN_OFFS,
  type SignOffRow,
  signOffRows,
} from "./tables.ts";
import { fileName, type Met, type PackedTimeline, writeTimeline } from "./timelines.ts";
import { complianceCsv, mttrCsv, pictureFile, runbooksCsv, runsCsv } from "./trend-files.ts";

export interface PackOptions {
  readonly query: Query;
  readonly keyring: Keyring;
  /** Policies as the files say them now, for systems whose policy was never recorded. */
  readonly today: ReadonlyMap<string, Policy>;
  readonly practice: boolean;
  /** Of Lifeboat: another one may write another pack. */
  readonly version: string;
  /** Private incidents are left out, and the manifest says how many. */
  readonly withoutPrivate: boolean;
}

/** What a pack came to. */
export interface Packed {
  readonly records: number;
  readonly events: number;
  readonly files: number;
  /** What is wrong with the record, as far as the events of the pack go. */
  readonly problems: readonly { readonly stream: string; readonly version: number; readonly says: string }[];
  readonly manifestSha256: string;
  /** Private incidents that are not in it; null: none was left out. */
  readonly leftOut: number | null;
}

/** Types that begin an incident and that end it. */
const OPEN = { begins: ["incident.declared", "incident.reopened"], ends: ["incident.resolved", "incident.closed"] };
const DECLARED = "incident.declared";
const BEGINNING = new Date(0);

/** Rows of all records, collected one record after the other; none of them holds an event. */
class Tables {
  readonly register: RegisterRow[] = [];
  readonly approvals: ApprovalRow[] = [];
  readonly breakGlassUses: BreakGlassRow[] = [];
  readonly actions: ActionRow[] = [];
  readonly deviations: DeviationRow[] = [];
  readonly refusals: RefusalRow[] = [];
  readonly signOffs: SignOffRow[] = [];
  readonly figures: RunFigures[] = [];
  readonly resolved: ResolvedIncident[] = [];
  readonly names = new Map<string, string>();
  records = 0;
}

/** Writes everything about a period into the folder. One record is in memory at a time. */
export async function writePack(folder: PackFolder, reader: ExportReader, options: PackOptions): Promise<Packed> {
  const { query } = options;
  const met: Met = { events: 0, sealed: 0, people: new Set(), problems: [] };
  const timelines: PackedTimeline[] = [];
  const tables = new Tables();
  const plans = new Set<string>();
  const used = new Set<PolicyVersion>();

  const policies = new Policies();
  for (const stream of await reader.streams({ from: BEGINNING, to: query.to }, { prefix: "pol-" })) {
    if (query.system !== null && stream.id !== `pol-${query.system}`) continue;
    timelines.push(await writeTimeline(folder, reader, stream, met, async (events) => learn(policies, events)));
  }
  for (const [system, policy] of options.today)
    if (policies.of(system).length === 0 && (query.system === null || query.system === system)) {
      const hash = hashOf(policy);
      policies.add(system, { policy, hash, since: null, file: policyFile(system, hash, null) });
    }
  for (const system of policies.systems()) for (const version of inForce(policies.of(system), query)) used.add(version);

  const selection = {
    ...{ prefix: "inc-", open: OPEN },
    ...(query.system !== null && { about: { type: DECLARED, field: "system", value: query.system } }),
  };
  const without = { type: DECLARED, field: "private" };
  const records = await reader.streams(query, { ...selection, ...(options.withoutPrivate && { without }) });
  const leftOut = options.withoutPrivate ? (await reader.streams(query, selection)).length - records.length : null;
  const numbers = await reader.numbers(records.map(({ id }) => id));
  for (const stream of records) {
    const fold = new RecordFold(stream.id, reader);
    const timeline = await writeTimeline(folder, reader, stream, met, async (events) => {
      plansIn(events, plans);
      await fold.take(events);
    });
    timelines.push(timeline);
    await writeRecord(folder, fold, numbers.get(stream.id), { options, policies, used, timeline, tables });
  }
  const calendars = new CalendarRecords();
  for (const stream of await others(reader, options)) {
    const file = await folder.open(`events/${fileName(stream.id)}.csv`);
    await file.write(csvRow(["version", "at", "type", "by", "run", "data"]));
    timelines.push(
      await writeTimeline(folder, reader, stream, met, (events) => {
        for (const { type, data } of events) calendars.take(stream.id, type, data);
        return listEvents(file, events, policies);
      }),
    );
    await file.close();
  }
  await writePlans(folder, reader, plans, met);

  const dues = policies
    .systems()
    .flatMap((system) => duesOf(system, policies.of(system), tables.figures, calendars, query));
  tables.register.push(...dues.map((due) => dueRow(due, tables.register)));
  await writeTables(folder, tables, dues, policies, query);
  for (const version of used) await folder.file(version.file, `${canonicalBytes(version.policy).toString("utf8")}\n`);
  await writeRoster(folder, used);
  const people = await reader.people([...met.people].sort());
  await folder.file("people.csv", peopleCsv(people));
  const keys = await writeStatements(folder, reader, query, timelines, options.keyring, met);
  await folder.file("controls.csv", controlsCsv(folder.files().map(({ path }) => path)));
  await folder.file("README.md", readme(query));
  const facts = { query, practice: options.practice, rows: tables.register, dues, figures: tables.figures };
  const erased = people.filter(({ identity, erasedAt }) => identity === null && erasedAt !== null);
  await folder.file(
    "index.html",
    indexPage({
      ...{ ...facts, resolved: tables.resolved, paths: folder.files().map(({ path }) => path) },
      notes: notesOf(met.problems.length, erased.length, leftOut),
    }),
  );
  const manifestSha256 = await writeManifest(folder, options, {
    met,
    timelines,
    policies,
    used,
    keys,
    erased,
    leftOut,
  });
  return {
    ...{ records: tables.records, events: met.events, files: folder.files().length },
    ...{ problems: met.problems, manifestSha256, leftOut },
  };
}

function learn(policies: Policies, events: readonly StoredEvent[]): void {
  for (const { type, data, at } of events) {
    if (type !== "policy.recorded") continue;
    const { system, policy } = data as { system: string; policy: Policy };
    const hash = hashOf(policy);
    policies.add(system, { policy, hash, since: at, file: policyFile(system, hash, at) });
  }
}

/** Those that were in force at some time of the period. */
function inForce(versions: readonly PolicyVersion[], { from, to }: Query): readonly PolicyVersion[] {
  return versions.filter(({ since }, at) => {
    const until = versions[at + 1]?.since ?? null;
    return (since === null || since < to) && (until === null || until > from);
  });
}

function plansIn(events: readonly StoredEvent[], plans: Set<string>): void {
  for (const { type, data } of events) if (type === "run.requested") plans.add((data as { planHash: string }).planHash);
}

interface RecordPlace {
  readonly options: PackOptions;
  readonly policies: Policies;
  readonly used: Set<PolicyVersion>;
  readonly timeline: PackedTimeline;
  readonly tables: Tables;
}

async function writeRecord(
  folder: PackFolder,
  fold: RecordFold,
  number: number | undefined,
  { options, policies, used, timeline, tables }: RecordPlace,
): Promise<void> {
  const evidence = fold.end(number);
  const declared = evidence?.state.declared;
  if (evidence === null || !declared) return;
  const policy = policies.at(declared.system, declared.at);
  if (policy !== null) used.add(policy);
  const then = policies.policyAt(declared.system, declared.at);
  const names = (id: string) => nameIn(then, id);
  const { query, practice } = options;
  const context = { query, policy, policies, names, timeline, practice };
  const document = documentOf(evidence, context);
  const place = `${FOLDERS[declared.kind]}/${evidence.name}`;
  await folder.file(`${place}.html`, document.html);
  const json = recordJson(evidence, { ...context, findings: document.suggested });
  await folder.file(`${place}.json`, `${JSON.stringify(json, null, 2)}\n`);
  tables.records += 1;
  tables.names.set(evidence.state.id, evidence.name.toUpperCase());
  tables.register.push(...registerRows(evidence, names));
  tables.approvals.push(...approvalRows(evidence, names));
  tables.breakGlassUses.push(...breakGlassRows(evidence, names));
  tables.actions.push(...actionRows(evidence, names, query.to));
  tables.deviations.push(...deviationRows(evidence, names));
  tables.refusals.push(...refusalRows(evidence, names));
  tables.signOffs.push(...signOffRows(evidence, names));
  const { figures, resolved } = trendDataOf(evidence.state);
  tables.figures.push(...figures);
  tables.resolved.push(...resolved);
}

/**
 * Every other stream of the period: readiness, calendars, alerts, the workspace's own, checkpoints, and whatever a later version records. Streams
 * called `<what>-<system>` are that system's alone, and a system's id may have hyphens.
 */
async function others(
  reader: ExportReader,
  { query, withoutPrivate }: PackOptions,
): Promise<readonly ExportedStream[]> {
  const found = await reader.streams(query, { prefix: "" });
  const foreign = (id: string) => {
    const system = /^[a-z]+-(.+)$/.exec(id)?.[1];
    // What is of no system may name private incidents: refusals in the workspace, heads of every timeline.
    if (system === undefined) return withoutPrivate;
    return query.system !== null && system !== query.system;
  };
  return found.filter(({ id }) => !id.startsWith("inc-") && !id.startsWith("pol-") && !foreign(id));
}

async function listEvents(file: OpenFile, events: readonly StoredEvent[], policies: Policies): Promise<void> {
  const name = (id: string) => {
    for (const system of policies.systems()) {
      const found = policies.of(system).findLast(({ policy }) => policy.people.some((one) => one.id === id));
      if (found !== undefined) return nameIn(found.policy, id);
    }
    return /^person-[0-9a-z]{12}$/.test(id) ? ERASED : id;
  };
  const rows = events.map(({ version, at, type, actor, run, data }) => {
    const by = actorId(actor);
    return csvRow([version, at, type, by === null ? "Lifeboat" : name(by), run, JSON.stringify(data)]);
  });
  await file.write(rows.join(""));
}

async function writePlans(folder: PackFolder, reader: ExportReader, plans: Set<string>, met: Met): Promise<void> {
  for (const hash of [...plans].sort()) {
    const bytes = await reader.plan(hash);
    if (bytes === null)
      met.problems.push({ stream: "(plans)", version: 0, says: `the plan ${hash} isn't stored as it was` });
    else await folder.file(`plans/${hash}.json`, bytes);
  }
}

async function writeTables(
  folder: PackFolder,
  tables: Tables,
  dues: readonly Due[],
  policies: Policies,
  { to }: Query,
): Promise<void> {
  const nameOf = (record: string) => tables.names.get(record) ?? record;
  await folder.file("register.csv", registerCsv(tables.register));
  await folder.file("approvals.csv", csv(APPROVALS, tables.approvals));
  await folder.file("break-glass.csv", csv(BREAK_GLASS, tables.breakGlassUses));
  await folder.file("actions.csv", csv(ACTIONS, tables.actions));
  await folder.file("deviations.csv", csv(DEVIATIONS, tables.deviations));
  await folder.file("refusals.csv", csv(REFUSALS, tables.refusals));
  await folder.file("sign-offs.csv", csv(SIGN_OFFS, tables.signOffs));
  await folder.file(
    "calendar.csv",
    csv(
      [
        ...["system", "occasion", "title", "kind", "runbook", "mode", "unannounced", "due_at", "status", "run"],
        ...["recorded", "reason", "postponed_to", "as_of"],
      ] as string[],
      dues.map(({ at, postponedTo, ...due }) => ({ ...due, due_at: at, postponed_to: postponedTo, as_of: to })),
    ),
  );
  await folder.file("trends/runs.csv", runsCsv(tables.figures, nameOf));
  const trends = trendsOf(tables.figures);
  await folder.file("trends/runbooks.csv", runbooksCsv(trends));
  await folder.file("trends/mttr.csv", mttrCsv(tables.resolved));
  await folder.file("trends/compliance.csv", complianceCsv(policies.systems(), dues));
  for (const trend of trends) {
    const picture = trendPicture(trend, "trend");
    if (picture !== null) await folder.file(pictureFile(trend), `${picture.svg}\n`);
  }
}

/** Who was on which roster, as what, and since when: one row a person and version. */
async function writeRoster(folder: PackFolder, used: Iterable<PolicyVersion>): Promise<void> {
  const versions = [...used].sort((one, other) => (one.file < other.file ? -1 : 1));
  await folder.file(
    "roster.csv",
    csv(
      ["system", "since", "person", "name", "roles", "policy"],
      versions.flatMap(({ policy, since, file }) =>
        policy.people.map(({ id, roles }) => ({
          ...{ system: policy.id, since, person: id, name: nameIn(policy, id), roles: roles.join("; "), policy: file },
        })),
      ),
    ),
  );
}

function peopleCsv(people: readonly ExportedPerson[]): string {
  return csv(
    ["id", "known_as", "erased_at", "erased_because"],
    people.map(({ id, identity, erasedAt, erasedBecause }) => ({
      ...{
        id,
        known_as: identity ?? (erasedAt === null ? "" : ERASED),
        erased_at: erasedAt,
        erased_because: erasedBecause,
      },
    })),
  );
}

/** Signed statements about what is in the pack, and the public keys they are signed with. */
async function writeStatements(
  folder: PackFolder,
  reader: ExportReader,
  { to }: Query,
  timelines: readonly PackedTimeline[],
  keyring: Keyring,
  met: Met,
): Promise<readonly { readonly id: string; readonly publicKey: string }[]> {
  const versions = new Map(timelines.map(({ stream, version }) => [stream, version]));
  const found = (await reader.statements(to)).filter(({ statement }) => {
    if (statement.statement !== "lifeboat/head/1") return true;
    return statement.version <= (versions.get(statement.stream) ?? 0);
  });
  for (const { statement, holds, key } of found)
    if (!holds && keyring.publicKeys.has(key))
      met.problems.push({
        stream: "stream" in statement ? statement.stream : "(all)",
        version: "version" in statement ? statement.version : 0,
        says: "a signed statement was changed after it was signed",
      });
  const lines = found.map(({ text, key, signature }) => `${JSON.stringify({ text, key, signature })}\n`);
  await folder.file("statements.jsonl", lines);
  const ids = new Set(found.map(({ key }) => key));
  if (keyring.signs !== null) ids.add(keyring.signs);
  return [...ids].sort().flatMap((id) => {
    const publicKey = keyring.publicKeys.get(id);
    return publicKey === undefined ? [] : [{ id, publicKey }];
  });
}

interface ManifestParts {
  readonly met: Met;
  readonly timelines: readonly PackedTimeline[];
  readonly policies: Policies;
  readonly used: ReadonlySet<PolicyVersion>;
  readonly keys: readonly { readonly id: string; readonly publicKey: string }[];
  readonly erased: readonly ExportedPerson[];
  readonly leftOut: number | null;
}

async function writeManifest(
  folder: PackFolder,
  { query, practice, version, keyring }: PackOptions,
  { met, timelines, policies, used, keys, erased, leftOut }: ManifestParts,
): Promise<string> {
  const files = folder.files();
  const manifest = {
    format: "lifeboat-evidence/1",
    query: queryJson(query),
    madeBy: `lifeboat ${version}`,
    practice,
    record: {
      ...{
        timelines: timelines.length,
        events: met.events,
        authenticated: met.events - met.sealed,
        sealed: met.sealed,
      },
      problems: met.problems,
    },
    timelines: [...timelines].sort((one, other) => (one.file < other.file ? -1 : 1)),
    policiesNotRecorded: policies
      .systems()
      .filter((system) => [...used].some((one) => one.policy.id === system && one.since === null)),
    keys,
    erased: erased.map(({ id, erasedAt, erasedBecause }) => ({ person: id, at: erasedAt, because: erasedBecause })),
    ...(leftOut !== null && { leftOut: { privateIncidents: leftOut } }),
    files,
  };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  const { sha256: digest } = await folder.file("manifest.json", text);
  const signed = keyring.sign({ statement: "lifeboat/pack/1", manifest: sha256(text) });
  if (signed !== null) await folder.file("manifest.sig", `${JSON.stringify(signed)}\n`);
  return digest;
}

function notesOf(problems: number, erased: number, leftOut: number | null): readonly string[] {
  return [
    ...(leftOut === null ? [] : [`Private incidents are left out of this pack: ${leftOut} of the period.`]),
    ...(problems > 0
      ? [`The record wasn't whole at the export: ${problems} problems are listed in manifest.json.`]
      : []),
    ...(erased > 0
      ? [`The data of ${erased} people was erased; manifest.json names their ids. Their deeds stand.`]
      : []),
  ];
}

function readme(query: Query): string {
  const { from, to, system } = queryJson(query);
  const text = readFileSync(join(projectRoot(), "templates", "evidence", "README.md"), "utf8");
  return text
    .replaceAll("{from}", from)
    .replaceAll("{to}", to)
    .replaceAll("{system}", system ?? "every system");
}
