import type { ActionStep, Service } from "../catalog/types.ts";

/** What a step does to the service; null: it only looks. Plans of 0.1 do not say it; there the action's last word does. */
export function serviceOf({ action, risk, service }: ActionStep): Service | null {
  if (risk === "read") return null;
  if (service !== undefined) return service;
  const verb = action.replace(/^.*\./, "");
  return TOOK.test(verb) ? "interrupts" : BESIDE.test(verb) ? "aside" : "restores";
}

/** Actions of 0.1, under the names they had then. */
const TOOK =
  /^(fence|set_read_only|readonly|pause|stop|demote|drain|switchover|.*failover|promote.*|shift|set_routing)$/;
const BESIDE =
  /^(rejoin|reinitialize|make_replica|follow|monitor|forget|sync|suspend_cron|backup|snapshot|export|dump|set_multi_az)$/;
