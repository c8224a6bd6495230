import { describe, expect, test } from "@jest/globals";
import { sayProblem } from "../../src/lib/errors.ts";
import { refusal } from "../../templates/messages/kit/refusal.ts";
import { refused, worded } from "../../templates/messages/refused.ts";
import { failover, IncidentScenario } from "../support/incident-scenario.ts";

describe("a refusal", () => {
  test("says the same to who was refused and on the timeline", () => {
    const scenario = IncidentScenario.asking(failover());
    const outcome = scenario.approve("ana");
    expect(outcome.kind === "refused" && outcome.problem.code).toBe("gate-requester");
    expect(scenario.log.at(-1)).toMatchObject({
      type: "approval.refused",
      data: { code: "gate-requester", says: outcome.kind === "refused" ? sayProblem(outcome.problem) : "" },
    });
  });

  test("carries its code and every fact into its words, escaped only where it is shown", () => {
    const problem = refused({ code: "role-held", person: "<!channel>", role: "Incident commander" });
    expect(problem).toEqual({ code: "role-held", what: "<!channel> is already Incident commander" });
    expect(refusal(problem).text).not.toContain("<!channel>");
  });

  test("is left alone where nothing was refused", () => {
    const accepted = { kind: "accepted", events: [] } as const;
    expect(worded(accepted)).toBe(accepted);
  });
});
