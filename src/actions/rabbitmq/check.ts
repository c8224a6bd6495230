import { z } from "zod";
import { after } from "../awaited.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { defineLook } from "../read.ts";
import { answersFact, type BrokerLook, brokerAnswers, brokerInput, lookAtBroker, sickness } from "./broker.ts";

const input = z.strictObject({
  broker: brokerInput,
  vhost: z.string().min(1).default("/"),
  /** Queues that have to be there and running. */
  queues: z.array(z.string().min(1)).max(500).default([]),
  after,
});
type Input = z.infer<typeof input>;

interface QueueView {
  readonly name: string;
  readonly state: string;
  readonly messages: number;
}
type Seen = BrokerLook<{
  readonly version: string;
  readonly sick: readonly string[];
  readonly queues: readonly QueueView[];
  readonly missing: readonly string[];
}>;

/** Whether the plan's broker answers, is well by its own checks, and has the queues it should. */
export const check = defineLook<Input, Seen>({
  id: "rabbitmq.check",
  summary: "Look whether RabbitMQ is well and has the queues it should",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 30 },
  observe: look,
  facts: factsOf,
  checks: checksOf,
  where: ({ broker }) => broker.cluster,
  says(seen, { broker }) {
    const messages = (seen.answers ? seen.queues : []).map((one) => `${one.name} holds ${one.messages} messages`);
    return `${[`${broker.cluster} is well`, ...messages].join("; ")}.`;
  },
});

function look(ctx: ReadContext, given: Input): Promise<Seen> {
  return lookAtBroker(ctx, given.broker, async (broker) => {
    const all = await broker.find<readonly Partial<QueueView>[]>(
      `/api/queues/${encodeURIComponent(given.vhost)}?columns=name,state,messages`,
    );
    const queues = (all ?? [])
      .filter(({ name }) => given.queues.includes(name ?? ""))
      .map(({ name = "", state = "running", messages = 0 }) => ({ name, state, messages }));
    const missing = given.queues.filter((name) => !queues.some((one) => one.name === name));
    return { version: broker.version, sick: await sickness(broker), queues, missing };
  });
}

function factsOf(seen: Seen, { broker }: Input): readonly Fact[] {
  return [
    answersFact(seen, broker),
    { id: "version", label: "RabbitMQ", value: seen.answers ? seen.version : null, material: false },
    ...(seen.answers ? seen.queues : []).map(({ name, messages }) => ({
      id: `messages:${name}`,
      label: `Messages in ${name}`,
      value: messages,
      material: false,
    })),
  ];
}

function checksOf(seen: Seen, { broker }: Input): readonly Check[] {
  const answers = brokerAnswers(seen, broker);
  if (!seen.answers) return [answers];
  const halted = seen.queues.filter(({ state }) => state !== "running" && state !== "flow");
  const faults = [
    ...seen.missing.map((name) => `There is no queue ${name}.`),
    ...halted.map(({ name, state }) => `Queue ${name} is ${state}.`),
  ];
  return [
    answers,
    block("broker.well", seen.sick.length === 0, seen.sick.join("; ") || "Its own health checks pass"),
    { id: "queues", level: "block", ok: faults.length === 0, says: faults.join(" ") || "Every named queue is there." },
  ];
}

function block(id: string, ok: boolean, says: string): Check {
  return { id, level: "block", ok, says: `${says}.` };
}
