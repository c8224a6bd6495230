import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";

/** One value, as CloudWatch takes it. */
export interface MetricPoint {
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly value: number;
  readonly unit: "Percent" | "Seconds" | "Count";
}

/** What is published of one system: what a recovery document asks for, and nothing that is a secret. */
export interface SystemFigures {
  readonly system: string;
  /** Of its calendar, within 365 days: how many dates are over, and how many of them were kept. */
  readonly drills: Kept;
  /** Verifications and restore tests alone. */
  readonly backups: Kept;
  /** Runbooks whose proof is ready or not needed, of all that were proven. */
  readonly ready: Kept;
  /** The newest verified run of each runbook in each mode. */
  readonly runs: readonly {
    readonly runbook: string;
    readonly mode: string;
    readonly rtoSeconds: number | null;
    readonly rpoSeconds: number | null;
  }[];
}

export interface Kept {
  readonly kept: number;
  readonly of: number;
}

/** Of nothing there is no percentage, so it isn't published. */
export function pointsOf(figures: readonly SystemFigures[]): readonly MetricPoint[] {
  return figures.flatMap(({ system, drills, backups, ready, runs }) => [
    ...percent("DrillCompliance", system, drills),
    ...percent("BackupSuccess", system, backups),
    ...percent("RunbooksReady", system, ready),
    ...runs.flatMap(({ runbook, mode, rtoSeconds, rpoSeconds }) => {
      const dimensions = { System: system, Runbook: runbook, Mode: mode };
      return [...seconds("RecoveryTime", dimensions, rtoSeconds), ...seconds("DataLoss", dimensions, rpoSeconds)];
    }),
  ]);
}

function percent(name: string, system: string, { kept, of }: Kept): readonly MetricPoint[] {
  return of === 0
    ? []
    : [{ name, dimensions: { System: system }, value: Math.round((kept / of) * 1000) / 10, unit: "Percent" }];
}

function seconds(name: string, dimensions: MetricPoint["dimensions"], value: number | null): readonly MetricPoint[] {
  return value === null ? [] : [{ name, dimensions, value, unit: "Seconds" }];
}

export interface PublisherParts {
  readonly figures: () => Promise<readonly SystemFigures[]>;
  /** Sends them once. Rejects where that isn't sure. */
  readonly publish: (points: readonly MetricPoint[]) => Promise<void>;
  readonly log: Logger;
  readonly everyMs?: number;
}

export interface Publisher {
  start(): void;
  /** One round. Never rejects. */
  round(): Promise<void>;
  stop(): Promise<void>;
}

const EVERY_MS = 5 * 60_000;

/** Gauges of what stands now: two bots that both publish say the same, and what wasn't sent is said again with the next round. */
export function createPublisher({ figures, publish, log, everyMs = EVERY_MS }: PublisherParts): Publisher {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let turn: Promise<void> = Promise.resolve();

  async function send(): Promise<void> {
    const points = pointsOf(await figures());
    if (points.length > 0) await publish(points);
  }

  const round = () => {
    turn = turn
      .then(send)
      .catch((error) => log.warn({ event: "metrics.not_published", says: messageOf(error) }, "metrics not published"));
    return turn;
  };
  return {
    round,
    start() {
      const again = () => {
        if (!stopped) timer = setTimeout(() => void round().then(again), everyMs).unref();
      };
      void round().then(again);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await turn;
    },
  };
}
