import { cards } from "./actions/index.ts";
import { lookAtMembers } from "./actions/members.ts";
import { type Grounds, overlapsOf } from "./catalog/drill.ts";
import { loadCatalog } from "./catalog/load.ts";
import { reportFindings } from "./catalog/report.ts";
import type { Catalog } from "./catalog/types.ts";
import { loadVariables } from "./catalog/variables.ts";
import { versionNumber } from "./cli/version.ts";
import type { CommandContext } from "./command/context.ts";
import { loadTemplates } from "./comms/load.ts";
import type { Config } from "./config.ts";
import { zippedPack } from "./evidence/zipped.ts";
import type { Incidents } from "./incidents/index.ts";
import { LifeboatError } from "./lib/errors.ts";
import type { Logger } from "./lib/log.ts";
import type { SecretBook } from "./lib/redact.ts";
import { createTotp } from "./mfa/totp.ts";
import { createDeliveries } from "./projection/deliveries.ts";
import type { Outbox } from "./projection/outbox.ts";
import { createReadinessBook, type ReadinessBook } from "./readiness/book.ts";
import { checkTemplates, templateFor } from "./report/templates.ts";
import { createSecrets, type Secrets } from "./secrets.ts";
import { directOf } from "./sinks/slack/places.ts";
import { secretNamesOf } from "./telemetry/receivers.ts";
import type { Store } from "./timeline/index.ts";
import { createReadinessLooks } from "./timeline/readiness-looks.ts";
import { createSecondFactors } from "./timeline/second-factors.ts";
import { readSeals } from "./timeline/statements.ts";
import { createTally } from "./timeline/tally.ts";

/** What commands may use, the same for every transport. */
export function commandContextOf(
  config: Config,
  catalog: Catalog,
  store: Store,
  outbox: Outbox,
  incidents: Incidents,
  log: Logger,
  book: SecretBook,
  reload?: CommandContext["reload"],
  blocked: () => ReadonlySet<string> = () => new Set(),
  gone?: CommandContext["gone"],
): CommandContext & { readonly readiness: ReadinessBook } {
  const { practice } = config;
  const { forActions: secret } = secretsOf(config, catalog, book);
  return {
    catalog,
    cards,
    // Read for every plan: who is primary changes while this process lives, and the file says it.
    get variables() {
      return loadVariables(catalog, config.catalog.valuesFile).variables;
    },
    get drillVariables() {
      return drillValuesOf(config, catalog).variables;
    },
    timeline: store.timeline,
    incidents,
    log,
    practice,
    lookAt: (targets, drill) => {
      const own = drill ? (name: string) => secret(`DRILL_${name}`) : secret;
      return lookAtMembers({ log, secret: own, practice, kind: "real" }, targets);
    },
    channelOf: (incident) => outbox.placeOf(incident),
    announceIn: config.slack?.announceIn ?? null,
    issueUrl: config.links.issue,
    bridgeUrl: config.links.bridge,
    incidentAt: async (channel) => (await outbox.streamAt(channel))?.stream ?? null,
    unreachable: async () =>
      new Set([...(await outbox.closedQueues()).flatMap((queue) => directOf(queue) ?? []), ...blocked()]),
    deliveries: createDeliveries(store.pool),
    tally: createTally(store.pool),
    ...(reload && { reload }),
    ...(gone && { gone }),
    comms: {
      templates: readTemplates(config, log),
      reach: { email: config.comms.mail !== null, statuspage: config.comms.statuspage !== null },
      pageLink: config.comms.page.link,
    },
    readiness: createReadinessBook({
      timeline: store.timeline,
      looks: createReadinessLooks(store.pool),
      catalog,
      variables: () => loadVariables(catalog, config.catalog.valuesFile).variables,
      everyMs: config.readinessMinutes * 60_000,
      version: versionNumber(),
    }),
    evidence: async (period) => {
      const { pool, keyring } = store;
      const seals = await readSeals(pool, keyring);
      return zippedPack(period, { pool, keyring, seals, catalog, practice, version: versionNumber() });
    },
    reportTemplate: (system) => templateFor(config.catalog.systemsFolder, system),
    mfa: createTotp(createSecondFactors(store.pool, store.keyring, practice), config.secretKeys, {
      issuer: config.practice ? "Lifeboat practice" : "Lifeboat",
      settleHours: config.mfaCooldownHours,
    }),
  };
}

/** Secrets of this process's environment that its catalogue names. */
export function secretsOf(config: Config, catalog: Catalog, book: SecretBook): Secrets {
  const { webhooksFile } = config.telemetry;
  const reserved = webhooksFile === null ? new Set<string>() : secretNamesOf(webhooksFile);
  return createSecrets({
    environment: process.env,
    noted: book.note,
    reserved: () => reserved,
    catalog: () => catalog,
    values: () => [
      ...loadVariables(catalog, config.catalog.valuesFile).variables.values(),
      ...drillValuesOf(config, catalog).variables.values(),
    ],
  });
}

/** A runbook with a mistake stays out and is said; a bot with no system at all is of no use to anyone. */
export function readCatalog(config: Config, log: Logger): Catalog {
  const loaded = loadCatalog(config.catalog.systemsFolder, cards);
  const catalog = {
    systems: loaded.catalog.systems.filter(({ environment }) => (environment === "practice") === config.practice),
    runbooks: loaded.catalog.runbooks,
  };
  const given = loadVariables(loaded.catalog, config.catalog.valuesFile);
  const drill = drillValuesOf(config, loaded.catalog);
  const problems = [...loaded.problems, ...given.problems, ...drill.problems];
  if (problems.length > 0)
    log.error({ event: "catalogue.mistakes", says: reportFindings(problems) }, "the catalogue has mistakes");
  if (catalog.systems.length === 0)
    throw new LifeboatError({
      code: "no-systems",
      where: config.catalog.systemsFolder,
      what: `There is no usable ${config.practice ? "practice" : "production"} system`,
      next: "Set LIFEBOAT_SYSTEMS, and run lifeboat lint on it",
    });
  return catalog;
}

/** Values of the drill environment as they are now: read for every drill, as production's are for every run. */
function drillValuesOf(config: Config, catalog: Pick<Catalog, "systems">) {
  return loadVariables(catalog, config.catalog.drillValuesFile, "LIFEBOAT_DRILL_VALUES");
}

/** What drills may touch, asked of the files as they are now. */
export function groundsOf({ catalog, cards, variables, drillVariables }: CommandContext): Grounds {
  return { catalog, cards, production: variables, drill: drillVariables ?? new Map() };
}

/** @throws when the drill environment's values lead to production: no one may find that out by a drill. */
export function refuseDrillsOnProduction(context: CommandContext): void {
  const problems = overlapsOf(groundsOf(context));
  const [first] = problems;
  if (first === undefined) return;
  throw new LifeboatError({
    code: first.code,
    where: "LIFEBOAT_DRILL_VALUES",
    what: problems.map(({ where, what }) => `${where}: ${what}`).join("\n"),
    ...(first.next !== undefined && { next: first.next }),
  });
}

/** A template with a mistake stays out and is said; the others are there. */
function readTemplates(config: Config, log: Logger) {
  const { templates, problems } = loadTemplates(config.catalog.systemsFolder);
  if (problems.length > 0)
    log.error({ event: "comms.mistakes", says: reportFindings(problems) }, "comms templates have mistakes");
  const reports = checkTemplates(config.catalog.systemsFolder).problems;
  if (reports.length > 0)
    log.error({ event: "report.mistakes", says: reportFindings(reports) }, "post-mortem templates have mistakes");
  return templates;
}
