/** How many timers keep this process alive. What was stopped leaves none behind: a worker of Jest, or a bot, could not end. */
export function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
}
