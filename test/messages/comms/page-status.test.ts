import { describe, expect, test } from "@jest/globals";
import type { IncidentState, Page } from "../../../src/incident/state.ts";
import { ackWords, notPaged } from "../../../templates/messages/comms/page-status.ts";
import type { Surroundings } from "../../../templates/messages/kit/view.ts";
import { orders } from "../../support/orders-system.ts";

const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 2, minute));
const around = { system: orders, names: (who: string) => `<@${who}>` } as unknown as Surroundings;
const page: Page = { ask: "ask-1", role: "incident-commander", people: [], at: at(41), acknowledged: [], early: false };
const words = (more: Partial<Page>) =>
  ackWords({ ...page, ...more }, around).replace(/<!date[^>]*> \(([^)]*)\)/g, "$1");

describe("what a card says of a page", () => {
  test("not acknowledged", () => {
    expect(words({})).toBe("Paged: Incident commander 02:41:00 UTC · not acknowledged yet");
  });
  test("the people themselves, because the roster named them", () => {
    expect(words({ people: ["ana", "bo"] })).toContain("Incident commander (<@ana>, <@bo>)");
  });
  test("the service's own on call", () => {
    expect(words({ role: null })).toContain("Paged: on-call");
  });
  test("acknowledged by someone of the roster, and by a stranger whose name can do nothing", () => {
    const acknowledged = [
      { person: "ana", name: "Ana", at: at(42) },
      { person: null, name: "<!channel> *Nell*", at: at(43) },
    ];
    const said = words({ acknowledged });
    expect(said).toContain("acknowledged by <@ana> at 02:42:00 UTC, ");
    expect(said).not.toContain("<!channel>");
    expect(said).not.toContain("*Nell*");
  });
  test("what was acknowledged before it went to someone else does not count", () => {
    expect(words({ acknowledged: [{ person: "ana", name: "Ana", at: at(40) }] })).toContain("not acknowledged yet");
  });
  test("no one can be paged", () => {
    const problem = { code: "pagerduty", where: "PagerDuty's trigger event", what: "It gave no answer in time" };
    const state = { paging: { pages: new Map(), failing: { since: at(41), problem } } } as unknown as IncidentState;
    expect(notPaged(state)).toBe(
      "Paging has failed since 02:41:00 UTC: PagerDuty's trigger event: It gave no answer in time. Call people yourselves; Lifeboat keeps trying.",
    );
  });
});
