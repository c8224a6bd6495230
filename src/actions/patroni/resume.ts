import { pausing } from "./pausing.ts";

export const resume = pausing(false);
