import { answerSynthetic, type SyntheticStore } from "../../../practice/environment/synthetic.ts";
import { openServer, type StandInServer } from "../../../practice/kit/server.ts";
import { asked, type FailureCase, type FailureSuite, struck } from "../../support/failure-case.ts";

/** A front door with the practice environments' own endpoint behind it, over rows that are kept here. */
export async function openFrontEnd(): Promise<{
  readonly server: StandInServer;
  readonly keys: string[];
  blind: boolean;
}> {
  const keys: string[] = [];
  const store: SyntheticStore = {
    async write(key) {
      if (!keys.includes(key)) keys.push(key);
    },
    has: async (key) => !front.blind && keys.includes(key),
    last: async () => keys.at(-1) ?? null,
  };
  const server = await openServer({
    lie: { status: 201, body: { contract: "lifeboat.transaction/1" } },
    isWrite: ({ method }) => method === "POST",
    async answer(request) {
      if (request.path === "/orders") return { status: 200, body: { orders: 3 } };
      return (await answerSynthetic(store, "/synthetic", request, { region: "west" })) ?? { status: 404, body: {} };
    },
  });
  const front = { server, keys, blind: false };
  return front;
}

const transaction: FailureCase = {
  action: "http.transaction",
  seconds: { hanging: 0.5, lie: 3 },
  absolute: "another attempt is another synthetic row, which is no customer's; within one attempt the key makes it one",
  async begin() {
    const { server, keys } = await openFrontEnd();
    const input = { url: server.url, path: "/synthetic", meantForIt: true, readBackSeconds: 1 };
    return {
      input,
      ...struck(server),
      holds: () => keys.length > 0,
      wrong: () => asked({ ...input, path: "/orders" }),
      blocks: "transaction.endpoint",
      // No one says there what it is, so nothing is sent.
      other: () => asked({ ...input, path: "/synthetic/none" }),
      close: () => server.close(),
    };
  },
  instead: { "done by hand": "a transaction of another key is somebody else's, and shows nothing of this moment" },
};

export const suite: FailureSuite = { cases: [transaction] };
