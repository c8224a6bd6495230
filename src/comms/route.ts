import type { Audience, Route, System } from "../catalog/types.ts";

/** How an audience of this system is reached, where the catalogue says nothing too. */
export function routeOf(system: System, audience: Audience): Route {
  const written = system.comms?.routes.find((route) => route.audience === audience);
  if (audience === "status-page") return { audience, slack: [], email: [], ...written, page: true };
  if (written !== undefined) return written;
  const slack = { responders: ["incident"], executives: ["announce"], customers: [] }[audience];
  return { audience, slack, email: [], page: false };
}
