import { createHash } from "node:crypto";
import type { RunState } from "../incident/state.ts";
import { attributes, type Span } from "../sinks/otlp/otlp.ts";
import type { StoredEvent } from "../timeline/contract.ts";

export interface TracedRun {
  readonly system: string;
  readonly incident: string;
  readonly run: RunState;
  /** Of the run, oldest first. */
  readonly events: readonly StoredEvent[];
}

/** What ends a run, and how. */
const ENDINGS: Readonly<Record<string, "verified" | "failed" | "aborted">> = {
  "run.verified": "verified",
  "run.failed": "failed",
  "run.aborted": "aborted",
};
const STEP_ENDINGS: Readonly<Record<string, string>> = {
  "step.verified": "verified",
  "step.failed": "failed",
  "step.stopped": "stopped",
};
const GATE_ENDINGS: Readonly<Record<string, string>> = {
  "gate.passed": "passed",
  "gate.denied": "denied",
  "gate.expired": "expired",
  "gate.voided": "voided",
};

/**
 * A run as a trace, made from its timeline once it has ended: the run, each attempt of a step, the request for a change within it, each
 * approval. The one who makes it makes the same, to the last bit. Names and codes only: nothing that a person or a target said. Empty: it
 * has not ended.
 */
export function traceOf({ system, incident, run, events }: TracedRun): readonly Span[] {
  const first = events[0];
  const last = events.findLast(({ type }) => Object.hasOwn(ENDINGS, type));
  if (first === undefined || last === undefined) return [];
  const traceId = hex(`trace/${run.id}`, 32);
  const rootId = hex(`span/${run.id}`, 16);
  const outcome = ENDINGS[last.type] as string;
  const root: Span = {
    traceId,
    spanId: rootId,
    name: `run ${system}/${run.runbook}`,
    kind: 1,
    ...between(first.at, last.at),
    attributes: attributes({
      "lifeboat.system": system,
      "lifeboat.runbook": run.runbook,
      "lifeboat.mode": run.mode,
      "lifeboat.incident": incident,
      "lifeboat.run": run.id,
      "lifeboat.outcome": outcome,
      "error.type": codeOf(last),
    }),
    status: statusOf(outcome === "verified", codeOf(last)),
  };
  return [root, ...partsOf(run, events, traceId, rootId, last.at)];
}

interface Open {
  readonly span: Pick<Span, "traceId" | "spanId" | "name" | "kind"> & { readonly parentSpanId: string };
  readonly at: Date;
  readonly of: Readonly<Record<string, string | number | null>>;
}

function partsOf(
  run: RunState,
  events: readonly StoredEvent[],
  traceId: string,
  rootId: string,
  endedAt: Date,
): readonly Span[] {
  const open = new Map<string, Open>();
  const done: Span[] = [];
  const begin = (key: string, name: string, parent: string, kind: 1 | 3, event: StoredEvent, of: Open["of"]) =>
    open.set(key, {
      span: { traceId, spanId: hex(`span/${run.id}/${key}`, 16), parentSpanId: parent, name, kind },
      at: event.at,
      of,
    });
  const end = (key: string, at: Date, outcome: string, good: boolean, code: string | null) => {
    const one = open.get(key);
    if (one === undefined) return;
    open.delete(key);
    const all = { ...one.of, "lifeboat.outcome": outcome, "error.type": code };
    done.push({ ...one.span, ...between(one.at, at), attributes: attributes(all), status: statusOf(good, code) });
  };

  for (const event of events) {
    const { step = "", attempt = 0, ask = "" } = event.data as { step?: string; attempt?: number; ask?: string };
    const key = `step/${step}/${attempt}`;
    if (event.type === "step.started") {
      const planned = run.steps.get(step)?.step;
      const action = planned?.kind === "action" ? planned.action : null;
      begin(key, `step ${step}`, rootId, 1, event, {
        "lifeboat.step": step,
        "lifeboat.action": action,
        "lifeboat.attempt": attempt,
      });
    }
    if (event.type === "step.intended")
      begin(`${key}/apply`, `apply ${step}`, hex(`span/${run.id}/${key}`, 16), 3, event, { "lifeboat.step": step });
    if (event.type === "step.applied") end(`${key}/apply`, event.at, "applied", true, null);
    if (event.type === "gate.opened") {
      const { role = null } = event.data as { role?: string };
      begin(`gate/${ask}`, `approval ${step}`, rootId, 1, event, { "lifeboat.step": step, "lifeboat.role": role });
    }
    const stepEnding = STEP_ENDINGS[event.type];
    if (stepEnding !== undefined) {
      const good = event.type === "step.verified";
      end(`${key}/apply`, event.at, good ? "applied" : "unknown", good, good ? null : codeOf(event));
      end(key, event.at, stepEnding, good, codeOf(event));
    }
    const gateEnding = GATE_ENDINGS[event.type];
    if (gateEnding !== undefined) end(`gate/${ask}`, event.at, gateEnding, event.type === "gate.passed", null);
  }
  // What was under way when the run ended.
  for (const key of [...open.keys()]) end(key, endedAt, "left", false, null);
  return done;
}

/** Of a problem only its code: its words may hold what a target said. */
function codeOf({ data }: StoredEvent): string | null {
  const { problem } = data as { problem?: { code?: unknown } };
  return typeof problem?.code === "string" ? problem.code : null;
}

function statusOf(good: boolean, code: string | null): Span["status"] {
  return good ? { code: 1 } : { code: 2, ...(code !== null && { message: code }) };
}

function between(start: Date, end: Date): Pick<Span, "startTimeUnixNano" | "endTimeUnixNano"> {
  return { startTimeUnixNano: nano(start), endTimeUnixNano: nano(end) };
}

function nano(at: Date): string {
  return `${at.getTime()}000000`;
}

function hex(what: string, length: number): string {
  return createHash("sha256").update(what).digest("hex").slice(0, length);
}
