/**
 * What a button or a form brings back: whose it is (a run or an incident) and what in it, as one opaque string. Slack keeps it in
 * messages for years, so what was built once is parsed for ever. It is a look-up key: whatever it says is looked up, never believed.
 */
export interface ActionValue {
  readonly run: string | null;
  readonly incident: string | null;
  /** Behind its owner: an approval request, a step, a page. Without an owner: all of it. */
  readonly about: readonly string[];
}

/** In the place of a value where nothing was pressed: somebody came into an incident's channel. */
export const JOINED = "joined";

/** Ids hold no slash. */
const BETWEEN = "/";

/** @param owner id of the run or the incident */
export function actionValue(owner: string, ...about: readonly (string | number)[]): string {
  return [owner, ...about].join(BETWEEN);
}

export function parseActionValue(value: string | null): ActionValue {
  const [owner = "", ...about] = value?.split(BETWEEN) ?? [];
  if (owner.startsWith("run-")) return { run: owner, incident: null, about };
  if (owner.startsWith("inc-")) return { run: null, incident: owner, about };
  return { run: null, incident: null, about: value ? [value] : [] };
}
