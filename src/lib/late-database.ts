import { parseDatabaseUrl } from "./database-url.ts";
import { messageOf, type Problem } from "./errors.ts";

/** All that node-postgres says of a server that accepts no connection, or gives no answer, in time. */
const BARE = /^(timeout expired|Query read timeout|timeout exceeded when trying to connect)$/;

/** A PostgreSQL that did not answer in time, with where it is. What it says is still taken for "not now", so it is tried again where others are. */
export class LateDatabase extends Error {
  override readonly name = "LateDatabase";
  readonly problem: Problem;

  constructor(where: string, cause: unknown) {
    const what = `It gave no answer in time (${messageOf(cause)})`;
    super(`${where}: ${what}`, { cause });
    this.problem = {
      code: "database-late",
      where,
      what,
      next: "Check that it runs, and that this machine and that one are not overloaded. Then try again.",
    };
  }
}

/** Does `work` with the server at `url`; where that is late, the error says which server it was. */
export async function namedWhenLate<T>(url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!BARE.test(messageOf(error))) throw error;
    throw new LateDatabase(placeOf(url), error);
  }
}

/** Hosts and database, without user and password. */
function placeOf(url: string): string {
  const hosts = (parseDatabaseUrl(url)?.hosts ?? []).map(({ host }) => host);
  return hosts.length === 0 ? "PostgreSQL" : `PostgreSQL at ${hosts.join(" and ")}`;
}
