import { isStopped, running } from "./running.ts";

/** Stops what runs, and removes nothing. */
export const stop = running({
  id: "compose.stop",
  summary: "Stop services of a compose project, and remove nothing",
  word: "stop",
  undone: "compose.start",
  isSo: isStopped,
  shows: isStopped,
});
