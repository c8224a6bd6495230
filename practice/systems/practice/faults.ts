import { setTimeout as sleep } from "node:timers/promises";
import { LifeboatError } from "../../../src/lib/errors.ts";
import { ask, type DatabaseHost } from "../../environment/database.ts";
import { kill } from "../../environment/leftovers.ts";

export type EnvironmentFault =
  | "kill-primary"
  | "stall-and-kill-primary"
  | "freeze-primary"
  | "thaw-primary"
  | "stall-replication"
  | "resume-replication"
  | "pause-replay"
  | "resume-replay"
  | "restart-primary"
  | "heal";

interface ListedFault {
  readonly what: EnvironmentFault;
  readonly says: string;
  readonly explains: string;
  /** As in `InjectableFault`. */
  readonly returns?: true;
}

/** What can be done to the environment, in the order the panel offers it. */
export const ENVIRONMENT_FAULTS: readonly ListedFault[] = [
  { what: "kill-primary", says: "Kill the primary", explains: "A power cut on the machine the application writes to." },
  {
    what: "stall-and-kill-primary",
    says: "Stall, then kill",
    explains: "Replication stops for two seconds, then the power cut: what was written meanwhile is lost.",
  },
  { what: "freeze-primary", says: "Freeze the primary", explains: "It accepts connections and says nothing." },
  {
    what: "thaw-primary",
    says: "Thaw",
    explains: "The frozen machine goes on as if nothing had happened.",
    returns: true,
  },
  { what: "stall-replication", says: "Stall replication", explains: "The primary sends nothing to its standby." },
  { what: "resume-replication", says: "Resume replication", explains: "The standby catches up." },
  { what: "pause-replay", says: "Pause replay", explains: "The standby receives and does not apply." },
  { what: "resume-replay", says: "Resume replay", explains: "The standby applies what it has." },
  {
    what: "restart-primary",
    says: "Start what is down",
    explains: "The killed machine comes back as what it was.",
    returns: true,
  },
  { what: "heal", says: "Heal everything", explains: "One primary, one standby that streams, as at the beginning." },
];

/** Stalls or resumes the processes of a primary that send to standbys. @returns how many there were */
export async function signalSenders(primary: DatabaseHost, signal: "SIGSTOP" | "SIGCONT"): Promise<number> {
  const rows = await ask<{ pid: number }>(primary, "select pid from pg_stat_replication");
  for (const { pid } of rows) kill(pid, signal);
  return rows.length;
}

export async function setReplay(standby: DatabaseHost, to: "pause" | "resume"): Promise<void> {
  await ask(standby, `select pg_wal_replay_${to}()`);
}

export async function stallThenKill(primary: DatabaseHost, seconds: number): Promise<void> {
  if ((await signalSenders(primary, "SIGSTOP")) === 0) {
    throw new LifeboatError({ code: "no-standby", where: primary.name, what: "No standby replicates from it" });
  }
  await sleep(seconds * 1000);
  await primary.kill();
}
