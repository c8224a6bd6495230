/**
 * In an action's input, a key that ends in `Step`, `Steps` or `From`, and `after`, may name earlier steps of the runbook:
 * `fenceStep`, `quietSteps`, `restoreFrom`. (`passwordFrom` names an environment variable, which no step is called.)
 */
export function namesStep(key: string): boolean {
  return key === "after" || /(Step|Steps|From)$/.test(key);
}

/** The same where it can name nothing else. */
export function namesOnlyStep(key: string): boolean {
  return key === "after" || key === "restoreFrom" || /(Step|Steps)$/.test(key);
}
