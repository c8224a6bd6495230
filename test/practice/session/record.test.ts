import { expect, test } from "@jest/globals";
import { marksOf } from "../../../practice/session/record.ts";
import type { Plan } from "../../../src/catalog/types.ts";

const node = (port: number) => ({ host: "127.0.0.1", port });
const step = (id: string, action: string, input: unknown) => ({
  id,
  kind: "action",
  action,
  risk: "reversible",
  input,
});
const at = new Date("2026-11-29T12:00:00Z");

test("what may open a server it does not name by its port ends what is known of every fence", () => {
  const resume = { ...step("resume", "patroni.resume", { cluster: { name: "orders" } }), opens: true };
  const look = step("tidy", "redis.forget", { cluster: {} });
  const plan = { stages: [{ steps: [resume, look] }] } as unknown as Plan;
  const events = ["resume", "tidy"].map((one) => ({ type: "step.started", at, data: { step: one } }));
  expect(marksOf(plan, events)).toEqual([{ step: "resume", does: "open", at: at.getTime(), ports: "all" }]);
});

test("a fence closes the server it is for, and not the one it leaves the writes to", () => {
  const steps = [step("fence", "postgres.fence", { node: node(1), peer: node(2), peerIs: "writer" })];
  const plan = { stages: [{ steps }] } as unknown as Plan;
  const events = [{ type: "step.verified", at, data: { step: "fence" } }];
  expect(marksOf(plan, events)).toEqual([{ step: "fence", does: "fence", at: at.getTime(), ports: [1] }]);
});
