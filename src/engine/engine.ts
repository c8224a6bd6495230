import { setTimeout as pause } from "node:timers/promises";
import { stateNow } from "../incident/state-now.ts";
import { withDeadline } from "../lib/deadline.ts";
import { LifeboatError, messageOf, type Problem } from "../lib/errors.ts";
import { LetGo } from "../lib/processes.ts";
import type { Lease } from "../timeline/contract.ts";
import { handOver } from "./hand-over.ts";
import { createKillPoint } from "./kill-point.ts";
import { defaultSettings, type EnginePorts } from "./ports.ts";
import type { RunContext } from "./run-context.ts";
import { driveRun, type RunDriver } from "./run-driver.ts";
import { type Asked, LeaseLost, openRunEventWriter, type RunEventWriter } from "./run-event-writer.ts";

/** What a store that does not answer may take of the time a stop has. */
const HAND_OVER_SECONDS = 2;

export interface Engine {
  start(): void;
  /** Takes no more, lets running steps finish for a while, leaves the rest to other replicas, and resolves. */
  stop(): Promise<void>;
  /** How many runs this process drives now. */
  live(): number;
}

interface Live {
  readonly lease: Lease;
  readonly writer: RunEventWriter;
  readonly driver: RunDriver;
  /** Ends everything this process does for the run; nothing more is recorded. */
  readonly lose: () => void;
  readonly over: Promise<void>;
}

/**
 * The shell around `next`: claims runs, drives each under its lease, beats for what it really drives, and lets go. Everything
 * it knows is on the timeline, so any number of engines may work on one store, and each may die at any moment.
 */
export function createEngine(ports: EnginePorts): Engine {
  const { timeline, leases, log } = ports;
  const settings = { ...defaultSettings, ...ports.settings };
  const killPoint = createKillPoint(process.env, ports.practice);
  const live = new Map<string, Live>();
  const errors = new Map<string, number>();
  let stopping = false;
  let claiming: Promise<void> | null = null;
  let beating: NodeJS.Timeout | null = null;
  let beat: Promise<void> = Promise.resolve();
  let due = false;
  let wake = () => {};
  const unfollow: (() => void)[] = [];

  const look = () => {
    due = true;
    wake();
  };

  function drive(lease: Lease): void {
    const lost = new AbortController();
    const halt = new AbortController();
    const writer = openRunEventWriter(timeline, lease);
    const runContext: RunContext = {
      writer,
      around: { ...ports, observeSeconds: settings.observeSeconds },
      systems: ports.systems,
      accountStatus: ports.accountStatus,
      conformance: ports.conformance,
      settings,
      log: log.child({ run: lease.run, epoch: lease.epoch }),
      killPoint,
      lost: lost.signal,
      halt: halt.signal,
      startsMore: () => !stopping,
      now: () => timeline.now(),
      confirm: () => confirm(lease, writer, lost.signal),
    };
    const driver = driveRun(runContext, () => halt.abort(), leases);
    const over = driver.left
      .then(
        (left) => {
          errors.delete(lease.run);
          runContext.log.debug({ event: "run.left", left }, "run left");
        },
        (error: unknown) => troubled(lease, error, () => lost.abort(new LetGo())),
      )
      .catch((error: unknown) =>
        runContext.log.error({ event: "run.abandoned", error: messageOf(error) }, "run abandoned to its lease"),
      )
      .finally(() => {
        if (live.get(lease.run)?.writer === writer) live.delete(lease.run);
        look();
      });
    live.set(lease.run, { lease, writer: writer, driver, lose: () => lost.abort(new LetGo()), over });
  }

  /** What went wrong inside the engine is tried again with growing patience, and then told to a person. */
  async function troubled(lease: Lease, error: unknown, lose: () => void): Promise<void> {
    lose();
    if (error instanceof LeaseLost || stopping) return;
    const count = (errors.get(lease.run) ?? 0) + 1;
    errors.set(lease.run, count);
    log.error(
      { event: "run.engine_failed", run: lease.run, count, error: messageOf(error) },
      "the engine failed on a run",
    );
    if (isChangedPlan(error)) return tellStuck(lease, (error as LifeboatError).problem);
    if (count >= settings.errorsMax)
      return tellStuck(lease, {
        code: "engine-failed",
        where: lease.run,
        what: `The engine failed ${count} times in a row: ${messageOf(error)}`,
        stateNow: await sayStateNow(lease),
        next: "Fix it and resume, or abort the run.",
      });
    const seen = (await timeline.read(lease.stream)).at(-1)?.version ?? 0;
    const later = new Date(timeline.now().getTime() + 250 * 2 ** count);
    await letGo(lease, seen, later, later);
  }

  /**
   * Lets go of a run that isn't driven here. `meanwhile`: when it is due where something happened since version `seen`, which no one
   * has looked at. Left as it is it would wait out its lease, and count as one more process that was lost.
   */
  async function letGo(lease: Lease, seen: number, wakeAt: Date | null, meanwhile: Date): Promise<void> {
    let version = seen;
    let at = wakeAt;
    while (!(await leases.release(lease, version, at))) {
      version = (await timeline.read(lease.stream, version)).at(-1)?.version ?? version;
      at = meanwhile;
    }
  }

  /** Its mere reading may be what kills the one who drives it, so nothing of it is read. */
  function poisoned(lease: Lease): Promise<void> {
    return tellStuck(lease, {
      code: "drivers-lost",
      where: lease.run,
      what: `${lease.deaths} times in a row the process running this run was lost midway`,
      stateNow: "What the last one changed is uncertain: check the targets and `/dr timeline`.",
      next: "Look at the logs for what ended them, fix it and resume; or abort the run.",
    });
  }

  async function tellStuck(lease: Lease, problem: Problem): Promise<void> {
    const decided = await timeline.decide(
      lease.stream,
      (events) => {
        const version = events.at(-1)?.version ?? 0;
        const key = `${lease.run}/stuck/${version}`;
        const stuck = { type: "run.stuck", data: { problem }, key, run: lease.run, actor: { kind: "bot" } };
        return { events: [stuck], value: version };
      },
      { lease },
    );
    if (decided.kind !== "written") return;
    const version = decided.events.at(-1)?.version ?? decided.value;
    await letGo(lease, version, null, timeline.now());
  }

  async function sayStateNow(lease: Lease): Promise<string> {
    try {
      const writer = openRunEventWriter(timeline, lease);
      await writer.refresh();
      return stateNow(writer.run());
    } catch (error) {
      return `The timeline doesn't show what was changed (${messageOf(error)}): check the targets.`;
    }
  }

  async function confirm(lease: Lease, writer: RunEventWriter, lost: AbortSignal): Promise<void> {
    while (writer.confirmedAgeMs() > settings.confirmedMs) {
      if (lost.aborted) throw new LeaseLost(lease.run);
      try {
        const asked = writer.asking();
        if (!(await leases.beat([lease])).has(lease.run)) throw new LeaseLost(lease.run);
        writer.proven(asked);
      } catch (error) {
        if (error instanceof LeaseLost || isClosed(error)) throw error;
        await pause(settings.beatRetryMs);
      }
    }
    if (lost.aborted) throw new LeaseLost(lease.run);
  }

  async function claimLoop(): Promise<void> {
    while (!stopping) {
      due = false;
      const room = Math.min(settings.claimMax, settings.runsMax - live.size);
      const claimed = room > 0 ? await claim(room) : 0;
      if (claimed > 0 || due) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, settings.pollMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
        if (due || stopping) wake();
      });
    }
  }

  async function claim(room: number): Promise<number> {
    try {
      const found = await leases.claim(room);
      for (const lease of found) take(lease);
      return found.length;
    } catch (error) {
      log.debug({ event: "run.not_claimed", error: messageOf(error) }, "no run could be claimed; retrying");
      return 0;
    }
  }

  function take(lease: Lease): void {
    // Robbed and claimed again before we noticed: the earlier drive is void.
    live.get(lease.run)?.lose();
    if (lease.deaths >= settings.deathsMax) {
      void poisoned(lease).catch((failed: unknown) => {
        log.error({ event: "run.abandoned", run: lease.run, error: messageOf(failed) }, "run abandoned to its lease");
      });
      return;
    }
    try {
      drive(lease);
    } catch (error) {
      void troubled(lease, error, () => {}).catch((failed: unknown) => {
        log.error({ event: "run.abandoned", run: lease.run, error: messageOf(failed) }, "run abandoned to its lease");
      });
    }
  }

  /** Beats only for what is really driven: a claim whose answer was lost has to age. */
  async function beatOnce(): Promise<void> {
    while (live.size > 0) {
      const ours = [...live.values()];
      try {
        const asked = ours.map((one) => one.writer.asking());
        const held = await leases.beat(ours.map((one) => one.lease));
        for (const [n, one] of ours.entries()) {
          if (held.has(one.lease.run)) one.writer.proven(asked[n] as Asked);
          else if (live.get(one.lease.run) === one) one.lose();
        }
        return;
      } catch (error) {
        if (isClosed(error)) return;
        await pause(settings.beatRetryMs);
      }
    }
  }

  function beatRegularly(): void {
    let busy = false;
    beating = setInterval(() => {
      if (busy) return;
      busy = true;
      beat = beatOnce().finally(() => {
        busy = false;
      });
    }, settings.beatMs);
  }

  return {
    start() {
      if (claiming) return;
      unfollow.push(
        timeline.follow((stream, version) => {
          for (const one of live.values()) if (one.lease.stream === stream) one.driver.poke(version);
        }),
        leases.onDue(look),
        timeline.onJump(() => {
          for (const one of live.values()) one.driver.poke(0);
        }),
      );
      beatRegularly();
      claiming = claimLoop();
    },

    async stop() {
      stopping = true;
      wake();
      await claiming;
      const here = [...live.values()];
      for (const one of here) one.driver.drain();
      const over = Promise.all(here.map((one) => one.over));
      const patience = new AbortController();
      await Promise.race([over, pause(settings.drainMs, undefined, { signal: patience.signal }).catch(() => {})]);
      patience.abort();
      await Promise.all([...live.values()].map(abandon));
      if (beating) clearInterval(beating);
      for (const stop of unfollow.splice(0)) stop();
      await beat;
    },

    live: () => live.size,
  };

  /**
   * Leaves a run with steps in progress to the next replica, and says so: at once where they only look or where the timeline
   * knows the process that runs on, after the lease where a request may still be on its way.
   */
  async function abandon(one: Live): Promise<void> {
    await withDeadline("The hand-over", HAND_OVER_SECONDS, () => handOver(one.writer)).catch((error: unknown) => {
      log.warn(
        { event: "run.hand_over_not_recorded", run: one.lease.run, error: messageOf(error) },
        "the hand-over is not on the timeline",
      );
    });
    one.lose();
    await one.over;
    const asking = [...one.writer.run().steps.values()].some(
      (step) => step.status === "running" && step.reached === "intended" && step.process === undefined,
    );
    if (asking) return;
    for (let tries = 0; tries < 3; tries++) {
      if (await leases.release(one.lease, one.writer.state().version, timeline.now())) return;
      await one.writer.refresh();
    }
  }
}

function isChangedPlan(error: unknown): boolean {
  return error instanceof LifeboatError && error.problem.code === "plan-changed";
}

function isClosed(error: unknown): boolean {
  return error instanceof LifeboatError && error.problem.code === "store-closed";
}
