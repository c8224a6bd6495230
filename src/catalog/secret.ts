/** An address with a password in it: `postgres://shop:…@db/orders`. */
export function carriesPassword(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/@\s:]*:[^/@\s]+@/i.test(text);
}

/** `password`, `apiToken`; but not `passwordFrom`, which names where it is. */
export function isSecretName(name: string): boolean {
  return /(password|passwd|secret|token|apikey|privatekey|credentials?)$/i.test(name);
}
