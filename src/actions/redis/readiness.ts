import type { Check, Fact } from "../contract.ts";
import { electable, masterOf, type SetView, strayMasters } from "./set.ts";
import { isMaster } from "./view.ts";

/** Seconds since a replica's last acknowledgement; it sends one every second. */
const LAG_SECONDS_MAX = 2;

export type Mode = "planned" | "unplanned";

/** What stands in the way of a failover. Planned: without loss, so the master and every electable replica must answer. */
export function checksOf(seen: SetView, mode: Mode): Check[] {
  return [
    agreement(seen),
    quorum(seen),
    notFailingOver(seen),
    masterAnswers(seen, mode),
    oneMaster(seen),
    someoneElectable(seen),
    ...replication(seen, mode),
  ];
}

function agreement(seen: SetView): Check {
  const said = seen.sentinels.map((one) => `${one.address} ${one.answers ? `says ${one.master}` : "is silent"}`);
  const ok = seen.master !== null;
  return {
    id: "sentinels.agree",
    level: "block",
    ok,
    says: ok
      ? `${seen.sentinels.filter((one) => one.answers).length} of ${said.length} Sentinels answer, and all name ${seen.master} as master.`
      : `The Sentinels do not agree on a master, or too few answer: ${said.join(", ")}.`,
  };
}

function quorum(seen: SetView): Check {
  const lacking = seen.sentinels.flatMap((one) =>
    one.answers && !one.quorumOk ? [`${one.address}: ${one.quorum}`] : [],
  );
  const ok = lacking.length === 0 && seen.sentinels.some((one) => one.answers);
  return {
    id: "sentinels.quorum",
    level: "block",
    ok,
    says: ok
      ? "The Sentinels have their quorum and majority."
      : `A failover could not be agreed on. ${lacking.join("; ")}.`,
  };
}

function notFailingOver(seen: SetView): Check {
  return {
    id: "failover.none",
    level: "block",
    ok: !seen.failingOver,
    says: seen.failingOver ? "A failover is going on already." : "No failover is going on.",
    next: "Wait until it has ended.",
  };
}

function masterAnswers(seen: SetView, mode: Mode): Check {
  const master = masterOf(seen);
  const flags = seen.sentinels.flatMap((one) => (one.answers ? one.flags : []));
  const down = flags.find((flag) => flag === "s_down" || flag === "o_down");
  const ok = isMaster(master) && down === undefined;
  const why =
    master === undefined ? "is not known" : master.answers ? `is a ${master.role}` : `does not answer (${master.why})`;
  const needed = mode === "planned" ? " A failover without loss needs it." : "";
  return {
    id: "master.answers",
    level: mode === "planned" ? "block" : "warn",
    ok,
    says: ok
      ? `${seen.master} answers as master.`
      : `The master ${seen.master ?? ""} ${down ? `is down for a Sentinel (${down})` : why}.${needed}`,
    ...(mode === "planned" && { next: "Run it unplanned." }),
  };
}

function oneMaster(seen: SetView): Check {
  const strays = strayMasters(seen).map((node) => node.address);
  return {
    id: "master.one",
    level: "block",
    ok: strays.length === 0,
    says:
      strays.length === 0
        ? "No other node calls itself a master."
        : `${strays.join(" and ")} also takes writes as a master, and they will be thrown away.`,
    next: "Wait until the Sentinels have corrected it.",
  };
}

function someoneElectable(seen: SetView): Check {
  const names = electable(seen);
  return {
    id: "replica.electable",
    level: "block",
    ok: names.length > 0,
    says:
      names.length > 0 ? `${names.join(" and ")} can take over.` : "The Sentinels see no replica: none can take over.",
  };
}

/** The master's own account counts: the Sentinels may choose any electable replica, so every one has to be there. */
function replication(seen: SetView, mode: Mode): Check[] {
  const master = masterOf(seen);
  if (!isMaster(master)) return [];
  const missing = electable(seen).filter((address) => {
    const one = master.replicas.find((replica) => replica.address === address);
    return one?.state !== "online" || one.lagSeconds > LAG_SECONDS_MAX;
  });
  const guard = master.minReplicas;
  return [
    {
      id: "replica.online",
      level: mode === "planned" ? "block" : "warn",
      ok: missing.length === 0,
      says:
        missing.length === 0
          ? "Every replica that could be chosen is online by the master's own account."
          : `Could be chosen, but the master says: ${missing.join(" and ")} is offline or more than ${LAG_SECONDS_MAX} s behind.`,
    },
    {
      id: "master.minReplicas",
      level: "warn",
      ok: guard !== null && guard > 0,
      says:
        guard === null
          ? "min-replicas-to-write can't be read with this login."
          : guard > 0
            ? `min-replicas-to-write is ${guard}: a master cut off from its replicas stops taking writes.`
            : "min-replicas-to-write is 0: after a crash the old master would take writes that are thrown away. 1 is better.",
    },
  ];
}

export function factsOf(seen: SetView): Fact[] {
  const master = masterOf(seen);
  return [
    { id: "master", label: "Master", value: seen.master, material: true },
    { id: "masterReachable", label: "Master answers", value: isMaster(master), material: true },
    {
      id: "quorum",
      label: "Sentinels have a quorum",
      value: seen.sentinels.some((one) => one.answers && one.quorumOk),
      material: true,
    },
    { id: "electable", label: "Can take over", value: electable(seen).join(" and ") || null, material: false },
    {
      id: "online",
      label: "Replicas online",
      value: isMaster(master) ? master.replicas.filter((one) => one.state === "online").length : null,
      material: false,
    },
    { id: "lagBytes", label: "Lag in bytes", value: lagOf(seen), material: false },
  ];
}

/** Of the replica that is furthest behind, by the master's own account. */
export function lagOf(seen: SetView): number | null {
  const master = masterOf(seen);
  if (!isMaster(master) || master.replicas.length === 0) return null;
  return Math.max(0, ...master.replicas.map((one) => master.offset - one.offset));
}
