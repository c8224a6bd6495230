import type { System } from "../../src/catalog/types.ts";
import type { Writing } from "../../src/comms/compose.ts";
import type { Moment } from "../../src/incident/events.ts";
import { approved, asked, declared, escalated, verified } from "../support/incident-states.ts";
import { orders } from "../support/orders-system.ts";
import { RecordedIncident } from "../support/recorded-incident.ts";

/** The shop of the messages' tests, with people who are told things. */
export const shop: System = {
  ...orders,
  people: [...orders.people, { id: "cass", name: "Cass Moreau", slack: ["U0CASS"], roles: ["comms-lead"] }],
  cadence: [
    {
      severity: "P1",
      firstNoticeSeconds: 900,
      updatesSeconds: 1800,
      resolutionSeconds: 900,
      postmortemSeconds: 172_800,
      remindSeconds: 300,
      counts: ["responders", "executives", "customers", "status-page"],
    },
  ],
  comms: {
    routes: [
      { audience: "responders", slack: ["incident"], email: ["oncall@orders.example"], page: false },
      { audience: "executives", slack: ["announce", "C0BOARD"], email: ["leadership@orders.example"], page: false },
      { audience: "customers", slack: [], email: ["a@orders.example", "b@orders.example"], page: false },
    ],
    statuspage: { pageId: "kctbh9vrtdwd", components: [{ component: "database", id: "ftgks51sfs2d" }] },
    link: "https://status.orders.example",
  },
};

/** A night in which this moment is the one to speak about. */
export function scenarioOf(moment: Moment): RecordedIncident {
  switch (moment) {
    case "initial":
    case "progress":
    case "degraded":
      return declared().after(240);
    case "approval-requested":
      return asked();
    case "escalation":
      return escalated();
    case "failover-starting":
      return approved();
    case "resolution":
    case "postmortem":
      return verified()
        .ask("bo", { type: "resolve", summary: "The standby has taken over and orders flow." })
        .after(60);
    case "drill-announcement":
      return drill().after(30);
    case "drill-result":
      return drill().after(2400).ask("bo", { type: "resolve", summary: "Everything was found." }).after(60);
    default:
      return moment satisfies never;
  }
}

function drill(): RecordedIncident {
  return new RecordedIncident(shop).ask("ana", {
    type: "declare",
    ...{ title: "Quarterly drill: lose the database", system: "orders", severity: "P1", kind: "drill" },
    ...{ impactStartedAt: null, announceIn: null },
  });
}

export function writingOf({ state, now }: RecordedIncident, system: System = shop): Writing {
  return { state, system, now, pageLink: null, practice: false, reach: { email: true, statuspage: true } };
}
