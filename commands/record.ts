import type { NewEvent } from "../src/incident/events.ts";
import { type Problem, sayProblem } from "../src/lib/errors.ts";
import { actorOf, type Request } from "./command.ts";
import type { House } from "./house.ts";
import { allIncidents } from "./incidents.ts";

/** Where refusals stand that belong to no incident. */
export const WORKSPACE = "workspace";

/** A refusal as an event: who, why, and through which door. In the incident of the channel, else in the workspace's own. */
export async function record(house: House, request: Request, problem: Problem): Promise<void> {
  const event: NewEvent = {
    type: "command.refused",
    data: { verb: request.verb, code: problem.code, says: sayProblem(problem) },
    key: `${request.key}/command.refused`,
    actor: actorOf(request.caller),
  };
  await house.timeline.decide(await streamFor(house, request), () => ({ events: [event], value: null }));
}

async function streamFor(house: House, { place, carries }: Request): Promise<string> {
  const run = carries?.startsWith("run-") ? carries.split("/")[0] : undefined;
  if (run !== undefined) return (await house.timeline.streamOfRun(run)) ?? WORKSPACE;
  if (place.channel === null) return WORKSPACE;
  const here = (await allIncidents(house)).find(({ channel }) => channel === place.channel);
  return here?.state.id ?? WORKSPACE;
}
