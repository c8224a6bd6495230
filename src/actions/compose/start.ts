import { isUp } from "./container.ts";
import { isStarted, running } from "./running.ts";

/** Starts what is stopped, and waits until it is healthy. */
export const start = running({
  id: "compose.start",
  summary: "Start services of a compose project, and wait until they are healthy",
  word: "start",
  undone: "compose.stop",
  isSo: isStarted,
  shows: isUp,
});
