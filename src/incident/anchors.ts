/** The stream that holds checkpoints of all timelines, and where each was placed. */
export const ANCHORS = "anchors";
