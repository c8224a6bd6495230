/** What this stand-in answers as the real API does; each line has a test of this name. */
export const COVERED = [
  "401 without the bearer token",
  "404 as a Status with reason NotFound",
  "409 AlreadyExists for a name that is taken",
  "409 Conflict for a stale resource version",
  "415 for an unknown patch type",
  "422 for a JSON patch whose test fails",
  "dryRun=All shows the result and keeps nothing",
  "generation moves with the spec, and observedGeneration follows",
  "label selectors: =, !=, in, notin, exists, not exists",
  "the scale subresource",
  "eviction against a disruption budget",
  "the proxy of a service reaches a real pod",
  "an image that can't be pulled ends in ProgressDeadlineExceeded",
  "server-side apply refuses a field of another manager",
  "discovery of what a group and version holds",
  "404 for what would be made in a namespace that is not there, by a dry run too",
  "a CustomResourceDefinition makes its kind known once it is established",
  "an autoscaler moves a count into its range, and sleeps at 0",
  "SelfSubjectAccessReview",
  "RBAC: a service account's token may what roles say that are bound to it; a rule with names allows nothing without a name",
  "a deletion whose uid is another's is a conflict",
  "a job with a deadline ends by it, is deleted, and what it owns goes with it",
  "a policy that lets nothing in cuts a pod off",
  "a pod whose CPU fits nowhere is Unschedulable",
] as const;
export type Covered = (typeof COVERED)[number];

/** What the real one has, and this has not. */
export const NOT_COVERED = [
  "watch",
  "metrics, and autoscaling by them",
  "limit and continue",
  "admission, quotas and limits",
  "YAML bodies",
  "maxSurge and maxUnavailable of a rollout",
  "exec, logs and port-forward",
] as const;
