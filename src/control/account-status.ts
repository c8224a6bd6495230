import type { System } from "../catalog/types.ts";

/**
 * Who may still approve, for a bot that doesn't speak to Slack (`src/engine/ports.ts`): the roster alone says it. An approval given in
 * Slack counts only where the installation lets the roster decide while Slack is silent.
 */
export function rosterAccountStatus(slackUnavailable: "refuse" | "cached" | "roster") {
  return {
    async check(
      system: System,
      person: string,
      atCommandLine = false,
      counted: (instead: string) => void = () => {},
    ): Promise<string | null> {
      const found = system.people.find(({ id }) => id === person);
      if (found === undefined) return `${person} is no longer on the roster of ${system.title}.`;
      if (found.slack.length === 0 || atCommandLine) return null;
      if (slackUnavailable === "roster") {
        counted("the roster");
        return null;
      }
      return "This bot runs without Slack, so it can't be checked whether this account may still use Lifeboat.";
    },
    async gone(): Promise<string | null> {
      return null;
    },
  };
}
