import { z } from "zod";
import { type Action, defineAction } from "../../src/actions/contract.ts";
import { nothingToUndo } from "../../src/actions/undo.ts";
import type { PlanStep } from "../../src/catalog/types.ts";
import type { Around } from "./around.ts";

/** A server that takes as long as it is told, and the action that asks it; looking costs nothing, so only Lifeboat is measured. */
export interface Remote {
  readonly url: string;
  readonly actions: ReadonlyMap<string, Action>;
  /** When requests were sent, by `performance.now()`, newest last. */
  readonly sent: number[];
  call(ms: number): Promise<void>;
  step(id: string, ms: number): PlanStep;
}

const input = z.strictObject({ name: z.string(), ms: z.number() });
type Input = z.infer<typeof input>;

export async function openRemote(around: Around): Promise<Remote> {
  const { said } = await around.program("remote");
  const url = `http://127.0.0.1:${said.split(" ")[1]}`;
  const sent: number[] = [];
  const call = async (ms: number, signal?: AbortSignal) => {
    sent.push(performance.now());
    const answer = await fetch(`${url}/?ms=${ms}`, { method: "POST", ...(signal && { signal }) });
    await answer.text();
  };
  const action = callAction(call);
  return {
    url,
    sent,
    call: (ms) => call(ms),
    actions: new Map([[action.id, action as unknown as Action]]),
    step: (id, ms) => ({
      id,
      title: id,
      when: null,
      kind: "action",
      action: action.id,
      input: { name: id, ms },
      risk: action.risk,
      repeat: action.repeat,
      budget: action.budget,
      retries: 0,
    }),
  };
}

function callAction(call: (ms: number, signal: AbortSignal) => Promise<void>) {
  return defineAction<Input, null>({
    id: "remote.call",
    summary: "Ask a server for something that takes a while",
    input,
    risk: "reversible",
    repeat: "safe",
    budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 20 },
    resources: ({ name }) => [`remote:${name}`],
    observe: async () => null,
    facts: () => [],
    ready: () => [],
    done: () => "no",
    async apply(ctx, { ms }) {
      await call(ms, ctx.signal);
      return {};
    },
    verify: async (_ctx, { name }) => ({ says: `${name} is done.`, facts: [] }),
    undo: nothingToUndo(() => "Nobody needs it here."),
  });
}
