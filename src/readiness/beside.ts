import type { Scalar } from "../catalog/reference.ts";
import { resolve } from "../catalog/reference.ts";
import { systemScope } from "../catalog/scope.ts";
import type { ActionCard, ActionStep, Plan, Runbook, System } from "../catalog/types.ts";
import { actionsOf } from "../catalog/walk.ts";

/**
 * Looks that readiness makes beside those of a plan's own steps: what a move to another site needs and no step of it asks. They are steps that
 * only read, put behind the plan's and thrown away with it. Pure.
 */

export interface BesideParts {
  readonly system: System;
  /** All of this system. */
  readonly runbooks: readonly Runbook[];
  /** Values of its variables, as this installation gives them. */
  readonly given: ReadonlyMap<string, Scalar> | undefined;
  readonly cards: ReadonlyMap<string, ActionCard>;
}

/** The plan with these looks behind its own steps. */
export function withLooksBeside(plan: Plan, parts: BesideParts): Plan {
  const steps = looksBeside(plan, parts);
  if (steps.length === 0) return plan;
  return { ...plan, stages: [...plan.stages, { id: "readiness", title: "Readiness", parallel: true, steps }] };
}

function looksBeside(plan: Plan, parts: BesideParts): readonly ActionStep[] {
  const { system, given, cards } = parts;
  const { values } = systemScope(system, given);
  const said = (value: unknown) => resolve(value, (name) => values.get(name) ?? "");
  const steps = [...driftSteps(plan, parts, said), ...quotaSteps(plan, cards)];
  return plan.direction === undefined ? steps : [...steps, ...moveSteps(plan, plan.direction, parts, said)];
}

type Said = (value: unknown) => unknown;

/** Where it runs: the site that is left; of a system of which nothing moves between sites, the first that has members. */
function driftSteps(plan: Plan, parts: BesideParts, said: Said): readonly ActionStep[] {
  const { system, runbooks, cards } = parts;
  const isDirected = runbooks.some(({ direction }) => direction !== undefined);
  if (plan.direction === undefined && isDirected) return [];
  const first = system.sites.find(({ id }) =>
    system.targets?.some(({ members }) => members.some((one) => one.site === id)),
  );
  const site = plan.direction?.from.id ?? first?.id ?? "";
  return driftLooks(parts, site, said).flatMap(({ action, input }, i) =>
    stepOf(`drift-${i + 1}`, action, input, cards),
  );
}

/** RDS refuses what would go beyond the account's quota: at the night's first restore, or now. */
function quotaSteps({ stages }: Plan, cards: BesideParts["cards"]): readonly ActionStep[] {
  const made = new Map<string, { readonly account: string; readonly region: string; readonly instances: number }>();
  for (const { steps } of stages)
    for (const step of steps) {
      if (step.kind !== "action" || !MAKES_INSTANCE.has(step.action)) continue;
      const { account, region } = step.input as { account: string; region: string };
      const key = `${account}/${region}`;
      made.set(key, { account, region, instances: (made.get(key)?.instances ?? 0) + 1 });
    }
  return [...made.values()].flatMap((input, i) => stepOf(`quotas-${i + 1}`, "rds.quotas", input, cards));
}

const MAKES_INSTANCE: ReadonlySet<string> = new Set(["rds.make_replica", "rds.restore_pitr", "rds.restore_snapshot"]);

function moveSteps(
  plan: Plan,
  direction: NonNullable<Plan["direction"]>,
  { system, cards }: BesideParts,
  said: Said,
): readonly ActionStep[] {
  const days = system.readiness?.certificateDays;
  const lasting = days === undefined ? {} : { certificateDays: days };
  const clusters = (system.targets ?? [])
    .filter(({ kind }) => kind === "kubernetes")
    .flatMap(({ members }) => {
      const at = (site: string) => said(members.find((one) => one.site === site)?.with) as Cluster | undefined;
      const [from, to] = [at(direction.from.id), at(direction.to.id)];
      if (from === undefined || to === undefined) return [];
      const workloads = workloadsOn(plan, to);
      return workloads.length === 0 ? [] : [{ from, to, workloads, ...lasting }];
    });
  const urls = urlsAt(system, direction.to.id, said);
  return [
    ...clusters.flatMap((input, i) => stepOf(`clusters-${i + 1}`, "kubernetes.compare", input, cards)),
    ...(urls.length === 0 ? [] : stepOf("certificates", "tls.check", { urls, ...lasting }, cards)),
  ];
}

/** What exists where it runs now, and is in no runbook of the system. */
function driftLooks(
  { system, runbooks }: BesideParts,
  site: string,
  said: (value: unknown) => unknown,
): readonly { readonly action: string; readonly input: unknown }[] {
  const ignore = system.readiness?.ignore ?? [];
  const inputs = runbooks.flatMap((runbook) => actionsOf(runbook).map(({ does }) => said(does.with)));
  const named = new Set([...inputs, ...(system.targets ?? []).map((target) => said(target.members))].flatMap(textsIn));
  const workloads = [...named].filter((text) => WORKLOAD.test(text));
  const selectors = [...new Set(inputs.flatMap((one) => (one as { selector?: string }).selector ?? []))];
  const members = (kind: string) =>
    (system.targets ?? [])
      .filter((target) => target.kind === kind)
      .flatMap(({ members: all }) => all.filter((one) => one.site === site).map((one) => said(one.with)));
  return [
    ...(system.readiness?.accounts ?? []).flatMap((part) => {
      const input = { ...(said(part) as object), known: [...new Set([...named].flatMap(resourceNames))], ignore };
      return ["rds.unlisted", "s3.unlisted"].map((action) => ({ action, input }));
    }),
    ...members("kubernetes").map((cluster) => ({
      ...{ action: "kubernetes.unlisted", input: { cluster, known: workloads, selectors, ignore } },
    })),
    ...members("postgres").map((node) => ({
      // Any text a runbook holds may be a database's name: what is in none of them is certainly in none.
      ...{ action: "postgres.unlisted", input: { node, known: [...named].slice(0, 1000), ignore } },
    })),
  ];
}

/** What a text may name in AWS: itself, or the end of an ARN. */
function resourceNames(text: string): readonly string[] {
  const name = text.startsWith("arn:") ? (text.split(":").at(-1) ?? "") : text;
  return RESOURCE.test(name) ? [name] : [];
}

const RESOURCE = /^[a-zA-Z0-9][a-zA-Z0-9.-]{1,62}$/;
const WORKLOAD = /^(deployment|statefulset)\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

interface Cluster {
  readonly context?: unknown;
}

function stepOf(
  id: string,
  action: string,
  given: unknown,
  cards: ReadonlyMap<string, ActionCard>,
): readonly ActionStep[] {
  const card = cards.get(action);
  const checked = card?.checkInput(given);
  if (card === undefined || checked?.ok !== true) return [];
  const { summary: title, risk, repeat, budget } = card;
  return [
    {
      ...{ kind: "action", id: `readiness-${id}`, title, action, input: checked.input, risk, repeat, budget },
      retries: 0,
      when: null,
    },
  ];
}

/** What the plan starts in this cluster, or looks at there. */
function workloadsOn({ stages }: Plan, { context }: Cluster): readonly string[] {
  const inputs = stages.flatMap(({ steps }) =>
    steps.flatMap((step) =>
      step.kind === "action" && step.action.startsWith("kubernetes.") ? [step.input as Named] : [],
    ),
  );
  const refs = inputs
    .filter(({ cluster }) => cluster?.context === context)
    .flatMap(({ workloads, counts, workload }) => [
      ...(workloads ?? []),
      ...Object.keys(counts ?? {}),
      ...(workload === undefined ? [] : [workload]),
    ]);
  return [...new Set(refs)];
}

interface Named {
  readonly cluster?: Cluster;
  readonly workloads?: readonly string[];
  readonly counts?: Readonly<Record<string, number>>;
  readonly workload?: string;
}

/** Every `https` address of the site, of its own and of the members there, once. */
function urlsAt(system: System, site: string, said: (value: unknown) => unknown): readonly string[] {
  const parts = [
    ...system.sites.filter(({ id }) => id === site).map(({ values }) => values),
    ...(system.targets ?? []).flatMap(({ members }) =>
      members.filter((one) => one.site === site).flatMap((one) => [one.with, one.values]),
    ),
  ];
  const texts = parts.flatMap((part) => textsIn(said(part)));
  return [
    ...new Set(
      texts.filter((text) => text.startsWith("https://") && URL.canParse(text)).map((text) => new URL(text).origin),
    ),
  ];
}

/** Keys too: counts of workloads are given by their names. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return value === "" ? [] : [value];
  if (typeof value !== "object" || value === null) return [];
  return [...(Array.isArray(value) ? [] : Object.keys(value)), ...Object.values(value).flatMap(textsIn)];
}
