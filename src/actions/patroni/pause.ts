import { pausing } from "./pausing.ts";

export const pause = pausing(true);
