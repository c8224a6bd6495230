/**
 * An address of PostgreSQL, with one host or several: `postgres://user:password@a:5432,b:5432/lifeboat`, as libpq writes it.
 *
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
 */
export interface DatabaseUrl {
  /** The same address once for each host, in the order they are written. */
  readonly hosts: readonly [URL, ...URL[]];
  /** Whom to connect as, decoded; empty where the address doesn't say. */
  readonly user: string;
  /** As it is written, still encoded; empty where there is none. */
  readonly password: string;
}

const PARTS = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^@/?#]*)([/?#].*)?$/;
/** What libpq may be asked of a server; a store has to take writes. */
const WRITABLE = ["any", "read-write", "primary"];

/** Null: it is no address of PostgreSQL, or asks for servers that take no writes. */
export function parseDatabaseUrl(text: string): DatabaseUrl | null {
  const [, before = "", hosts = "", after = ""] = PARTS.exec(text) ?? [];
  if (before === "") return null;
  const urls = hosts.split(",").map((host) => `${before}${host}${after}`);
  if (!urls.every((url) => URL.canParse(url))) return null;
  const [first, ...others] = urls.map(without("target_session_attrs"));
  const attributes = new URL(urls[0] ?? "").searchParams.get("target_session_attrs");
  if (first === undefined || (attributes !== null && !WRITABLE.includes(attributes))) return null;
  return { hosts: [first, ...others], user: decoded(first.username), password: first.password };
}

/** The same database as someone else. */
export function asUser(text: string, user: string, password: string): string {
  const parsed = parseDatabaseUrl(text);
  if (parsed === null) throw new Error("Not an address of PostgreSQL");
  const [first, ...others] = parsed.hosts;
  const url = new URL(first);
  url.username = user;
  url.password = password;
  return url.href.replace(`@${url.host}`, () => `@${[url, ...others].map(({ host }) => host).join()}`);
}

/** node-postgres hands on what it doesn't know to the server, which refuses it. */
function without(parameter: string): (url: string) => URL {
  return (text) => {
    const url = new URL(text);
    url.searchParams.delete(parameter);
    return url;
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
