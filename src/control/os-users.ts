import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";

/** Whose the operating system's users are, by the bot's own configuration. */
export interface OsUsers {
  /** A person's id; null: the configuration doesn't map this user, or maps it to two people. */
  personOf(uid: number): Promise<string | null>;
  /** What the user is called on this machine, for the record; `user 1003` where nothing says so. */
  nameOf(uid: number): Promise<string>;
}

const LOOKUP_MS = 3_000;

/** @param people user name or number → person id (`LIFEBOAT_CLI_USERS`) */
export function createOsUsers(people: ReadonlyMap<string, string>): OsUsers {
  return {
    async personOf(uid) {
      if (people.size === 0) return null;
      const local = await localUsers();
      const found = await Promise.all(
        [...people].map(async ([user, person]) => ((await uidOf(user, local)) === uid ? person : null)),
      );
      const persons = new Set(found.filter((person) => person !== null));
      const [only] = persons;
      return only !== undefined && persons.size === 1 ? only : null;
    },
    async nameOf(uid) {
      const names = [...(await localUsers())].filter(([, one]) => one === uid).map(([name]) => name);
      return names[0] ?? `user ${uid}`;
    },
  };
}

async function uidOf(user: string, local: ReadonlyMap<string, number>): Promise<number | null> {
  if (/^\d+$/.test(user)) return Number(user);
  return local.get(user) ?? (await uidElsewhere(user));
}

/** `/etc/passwd`: name → uid. */
async function localUsers(): Promise<ReadonlyMap<string, number>> {
  const text = await readFile("/etc/passwd", "utf8").catch(() => "");
  const users = text.split("\n").map((line) => line.split(":"));
  return new Map(users.flatMap(([name, , uid]) => (name && /^\d+$/.test(uid ?? "") ? [[name, Number(uid)]] : [])));
}

/** Users of a directory service, as the system's name service answers within a deadline; null: it doesn't. */
function uidElsewhere(user: string): Promise<number | null> {
  const options = { timeout: LOOKUP_MS, killSignal: "SIGKILL", env: { PATH: "/usr/bin:/bin" } } as const;
  return new Promise((resolve) => {
    execFile("id", ["-u", "--", user], options, (error, stdout) => {
      resolve(error === null && /^\d+\s*$/.test(stdout) ? Number(stdout) : null);
    });
  });
}
