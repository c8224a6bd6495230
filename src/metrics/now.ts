import { Counter, Gauge, type Registry } from "prom-client";
import { isPrivate } from "../incident/members.ts";
import type { IncidentState } from "../incident/state.ts";
import { withDeadline } from "../lib/deadline.ts";
import type { SinkNow } from "../projection/outbox-now.ts";
import type { ReadinessState, SystemReadiness } from "../readiness/state.ts";
import type { InboxNow } from "../timeline/inbox.ts";
import { createNames, type Names } from "./names.ts";

/** What is so at the moment someone asks. */
export interface NowSources {
  /** Incidents that are open, and those with a run that is not over. */
  current(): Promise<readonly IncidentState[]>;
  /** One round trip to the store. Rejects when it does not answer or takes no writes. */
  store(): Promise<void>;
  inbox(): Promise<InboxNow>;
  /** What places outside are not shown yet, by sink. */
  outbox(): Promise<readonly SinkNow[]>;
  /** True: the store is not the one this process knew, and nothing is changed. */
  doubt(): boolean;
  /** Null: this bot runs without Slack. */
  slack(): SlackNow | null;
  catalogue(): { readonly systems: number };
  /** How ready each runbook is, by the record. */
  readiness(): Promise<readonly SystemReadiness[]>;
}

export interface SlackNow {
  readonly connected: boolean;
  readonly silentSince: Date | null;
  /** The sockets of Socket Mode; null: deliveries come over HTTP. */
  readonly sockets: SocketsNow | null;
  /** Calls of the Web API since this process started, by how they ended. */
  readonly calls: Readonly<Record<string, number>>;
}

export interface SocketsNow {
  readonly open: number;
  /** Since when the oldest of them is open, seconds. */
  readonly ageSeconds: number;
  /** Since the last sign of life on any of them (hello or pong), seconds. */
  readonly pongSeconds: number;
  /** How often one could not be opened, or broke, since this process started. */
  readonly failures: number;
}

/** A scrape waits no longer than this for the store. */
const SECONDS = 2;

const STATES: readonly (readonly [ReadinessState, string])[] = [
  ["ready", "ready"],
  ["notReady", "not_ready"],
  ["stale", "stale"],
  ["neverProven", "never_proven"],
];

export interface NowMetrics {
  /** Looks at everything. What can't be looked at is left out, and `lifeboat_store_up` says 0. */
  look(now: Date): Promise<void>;
}

export function nowMetrics(registry: Registry, sources: NowSources, names: Names = createNames()): NowMetrics {
  const gauge = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const open = gauge("lifeboat_incidents_open", "Open incidents, drills and maintenance", ["system", "kind"]);
  const live = gauge("lifeboat_runs_live", "Runs that have not ended, by status", ["system", "status"]);
  const waiting = gauge("lifeboat_approvals_waiting", "Approvals that wait for people", ["role"]);
  const oldest = gauge("lifeboat_approvals_oldest_seconds", "How long the oldest of them has waited", ["role"]);
  const storeUp = gauge("lifeboat_store_up", "1: the store answers and takes writes");
  const trip = gauge("lifeboat_store_round_trip_seconds", "How long the store took to answer, just now");
  const doubt = gauge("lifeboat_store_in_doubt", "1: the store came back older or rewritten; nothing is changed");
  const inbox = gauge("lifeboat_inbox_waiting", "What people and webhooks sent that is not handled yet");
  const inboxOldest = gauge("lifeboat_inbox_oldest_seconds", "Age of the oldest of it");
  const inboxGivenUp = gauge("lifeboat_inbox_given_up", "What could not be handled after all its tries");
  const outWaiting = gauge("lifeboat_outbox_waiting", "What a place outside is not shown yet, and tried on", ["sink"]);
  const outOldest = gauge("lifeboat_outbox_oldest_seconds", "Age of the oldest of it", ["sink"]);
  const outGivenUp = gauge("lifeboat_outbox_given_up", "What was refused for good within a week", ["sink"]);
  const sockets = gauge("lifeboat_slack_sockets", "Open sockets to Slack");
  const socketAge = gauge("lifeboat_slack_socket_age_seconds", "For how long the oldest of them is open");
  const pong = gauge("lifeboat_slack_pong_age_seconds", "Since the last pong on any of them");
  const socketFailures = new Counter({
    name: "lifeboat_slack_socket_failures_total",
    help: "Sockets to Slack that broke or did not open",
    registers: [registry],
  });
  const calls = new Counter({
    name: "lifeboat_slack_calls_total",
    help: "Calls of Slack's Web API: answered, rate_limited, failed (5xx) or unanswered",
    labelNames: ["outcome"],
    registers: [registry],
  });
  const connected = gauge("lifeboat_slack_connected", "1: people's clicks reach this bot now");
  const silent = gauge("lifeboat_slack_silent_seconds", "For how long Slack has answered nothing; 0: it answers");
  const ready = gauge("lifeboat_readiness", "1: how the runbook stands now, in this mode", [
    "system",
    "runbook",
    "mode",
    "state",
  ]);
  const systems = gauge("lifeboat_catalogue_systems", "Systems in the catalogue this bot loaded");

  async function store(): Promise<void> {
    const began = performance.now();
    try {
      await withDeadline("The store", SECONDS, () => sources.store());
      storeUp.set(1);
      trip.set((performance.now() - began) / 1000);
    } catch {
      storeUp.set(0);
    }
  }

  async function readiness(): Promise<void> {
    const now = await withDeadline("Readiness", SECONDS, () => sources.readiness());
    ready.reset();
    for (const { system, runbooks } of now)
      for (const { runbook, mode, state } of runbooks) {
        const of = { system: names.of("system", system), runbook: names.runbook(system, runbook), mode };
        for (const [one, label] of STATES) ready.set({ ...of, state: label }, one === state ? 1 : 0);
      }
  }

  async function queue(): Promise<void> {
    const now = await withDeadline("The inbox", SECONDS, () => sources.inbox());
    inbox.set(now.waiting);
    inboxOldest.set(now.oldestSeconds);
    inboxGivenUp.set(now.givenUp);
  }

  async function outgoing(): Promise<void> {
    const now = await withDeadline("The outbox", SECONDS, () => sources.outbox());
    for (const each of [outWaiting, outOldest, outGivenUp]) each.reset();
    for (const { sink, waiting: rows, oldestSeconds, givenUp } of now) {
      const label = { sink: names.of("sink", sink) };
      outWaiting.set(label, rows);
      outOldest.set(label, oldestSeconds);
      outGivenUp.set(label, givenUp);
    }
  }

  function lookAtSockets(now: SocketsNow): void {
    sockets.set(now.open);
    socketFailures.reset();
    socketFailures.inc(now.failures);
    socketAge.set(now.ageSeconds);
    pong.set(now.pongSeconds);
  }

  async function incidents(now: Date): Promise<void> {
    const current = await withDeadline("The incidents", SECONDS, () => sources.current());
    for (const each of [open, live, waiting, oldest]) each.reset();
    for (const state of current) lookAt(state, now);
  }

  function lookAt(state: IncidentState, now: Date): void {
    if (state.declared === null || isPrivate(state.declared)) return;
    const { kind } = state.declared;
    const system = names.of("system", state.declared.system);
    if (!["resolved", "closed"].includes(state.status)) open.inc({ system, kind });
    for (const run of state.runs.values()) {
      if (run.ending !== null) continue;
      live.inc({ system, status: run.status });
      for (const step of run.steps.values()) {
        if (step.status !== "gate" || step.gate.outcome !== "open") continue;
        const { openedAt } = step.gate;
        const role = names.of("role", step.gate.role);
        waiting.inc({ role });
        const seconds = Math.max(0, (now.getTime() - openedAt.getTime()) / 1000);
        ages.set(role, Math.max(ages.get(role) ?? 0, seconds));
      }
    }
  }

  const ages = new Map<string, number>();

  return {
    async look(now) {
      ages.clear();
      const slack = sources.slack();
      doubt.set(sources.doubt() ? 1 : 0);
      systems.set(sources.catalogue().systems);
      if (slack !== null) {
        connected.set(slack.connected ? 1 : 0);
        const { silentSince } = slack;
        silent.set(silentSince === null ? 0 : Math.max(0, (now.getTime() - silentSince.getTime()) / 1000));
        calls.reset();
        for (const [outcome, count] of Object.entries(slack.calls)) calls.inc({ outcome }, count);
        if (slack.sockets !== null) lookAtSockets(slack.sockets);
      }
      await Promise.allSettled([store(), queue(), outgoing(), incidents(now), readiness()]);
      for (const [role, seconds] of ages) oldest.set({ role }, seconds);
    },
  };
}
