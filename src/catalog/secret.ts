/** An address with a password in it: `postgres://shop:…@db/orders`. */
export function containsPassword(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/@\s:]*:[^/@\s]+@/i.test(text);
}

/** `password`, `apiToken`; but not `passwordFrom`, which names where it is. */
export function isSecretName(name: string): boolean {
  return /(password|passwd|secret|token|apikey|privatekey|credentials?)$/i.test(name);
}

/**
 * A setting of Lifeboat's own, by the name of its variable: tokens, keys and addresses with passwords that nothing a runbook
 * starts is ever given. A whole family counts, so that a setting which is new is one, too.
 */
export function isOwnName(name: string): boolean {
  return (
    /^(?:DRILL_)?(?:LIFEBOAT|SLACK|DATABASE|PAGERDUTY|STATUSPAGE|SMTP|MAIL|OTEL)_/.test(name) ||
    STORE.test(name) ||
    CODE.test(name)
  );
}

/** Where the store's client looks for a password that `DATABASE_URL` doesn't have. */
const STORE = /^PG(?:PASSWORD|PASSFILE|SERVICE|SERVICEFILE|SSLKEY)$/;

/** What would have another program run in a script's place. */
const CODE = /^(?:LD_.*|DYLD_.*|NODE_OPTIONS|NODE_PATH|BASH_ENV|ENV|SHELLOPTS|PATH|HOME|IFS)$/;

/** Keys of PagerDuty are given to the pager, which is Lifeboat's own; not what its webhooks are signed with. */
export function isPagerName(name: string): boolean {
  return name.startsWith("PAGERDUTY_") && name !== "PAGERDUTY_WEBHOOK_SECRETS";
}
