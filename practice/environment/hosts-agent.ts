import { type Door, type Knock, openDoor, type Reply } from "../kit/door.ts";
import type { DatabaseHost } from "./database.ts";

/**
 * `lifeboat.hosts/1` (docs/contracts.md). What scripts ask the agent of the database hosts for: `POST /hosts/<name>/rebuild` makes one server of the pair anew as a
 * standby of the other. `more`: what else it does; null: it does not know that either. Who does not bear the token is refused.
 */
export async function openHostsAgent(
  token: string,
  [one, other]: readonly [DatabaseHost, DatabaseHost],
  more: (knock: Knock) => Promise<Reply | null> = async () => null,
): Promise<Door> {
  return await openDoor({
    isWrite: ({ method }) => method !== "GET",
    async answer(knock) {
      const { method, path, headers } = knock;
      if (headers.authorization !== `Bearer ${token}`) return { status: 401, body: "Who asks?" };
      const name = /^\/hosts\/([a-z0-9-]+)\/rebuild$/.exec(path)?.[1];
      if (method === "POST" && name !== undefined) {
        const [host, source] = name === one.name ? [one, other] : [other, one];
        if (host.name !== name) return { status: 404, body: `There is no ${name}.` };
        await host.follow(source);
        return { status: 200, body: { rebuilt: name }, headers: { "lifeboat-contract": "lifeboat.hosts/1" } };
      }
      return (await more(knock)) ?? { status: 404, body: `There is no ${method} ${path}.` };
    },
  });
}
