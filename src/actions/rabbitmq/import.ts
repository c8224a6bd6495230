import { readFile } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { z } from "zod";
import { sha256 } from "../../lib/canonical.ts";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import { type ApplyContext, type Check, defineAction, type Fact } from "../contract.ts";
import { until } from "../poll.ts";
import { byHand } from "../undo.ts";
import {
  answersFact,
  type BrokerLook,
  type BrokerTarget,
  brokerAnswers,
  brokerInput,
  definitionsPath,
  lookAtBroker,
  openBroker,
  sickness,
  vhostInput,
} from "./broker.ts";
import { countOf, type Definitions, type Difference, definitionsIn, differenceOf, importable } from "./definitions.ts";

const input = z.strictObject({
  broker: brokerInput,
  vhost: vhostInput,
  /** A file of `rabbitmq.export` or of `rabbitmqadmin export`, for the same `vhost`, or for everything. */
  file: z.string().refine(isAbsolute, "has to be an absolute path"),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});
type Input = z.infer<typeof input>;

interface Scene {
  readonly count: string;
  readonly sha256: string;
  readonly difference: Difference;
  readonly sick: readonly string[];
}
type Seen = BrokerLook<{ readonly fault: string | null; readonly scene: Scene | null }>;

/** Brings what a file holds into a broker: adds what is missing, deletes nothing, and brings no message back. */
export const importDefinitions = defineAction<Input, Seen>({
  id: "rabbitmq.import",
  summary: "Bring RabbitMQ's definitions back from a file",
  input,
  risk: "reversible",
  service: "restores",
  repeat: "safe",
  budget: { typicalSeconds: 2, warnSeconds: 30, failSeconds: 120 },
  resources: ({ broker }) => [`rabbitmq:${broker.cluster}`],
  observe: look,
  facts: factsOf,
  ready: checksOf,
  done(seen) {
    if (!seen.answers || !seen.scene) return "unknown";
    const { missing, other } = seen.scene.difference;
    return missing.length === 0 && other.length === 0 ? "yes" : "no";
  },
  async apply(ctx, given, seen) {
    const { definitions, hash } = await read(given);
    if (!seen.answers || seen.scene?.sha256 !== hash) {
      throw new LifeboatError({
        code: "file-changed",
        where: given.file,
        what: "The file is not the one that was looked at",
        stateNow: "Nothing was sent to the broker",
      });
    }
    const broker = await openBroker(ctx, given.broker);
    ctx.progress(`${given.broker.cluster}: importing ${countOf(definitions)}`);
    await broker.post(definitionsPath(given.vhost), definitions);
    return { sha256: hash };
  },
  verify: seenSo,
  undo: {
    ahead: ({ broker }) => byHand(`Delete what the import added to ${broker.cluster}.`),
    step: (before) =>
      byHand(
        before.answers && before.scene
          ? `An import deletes nothing. Delete what it added: ${list(before.scene.difference.missing)}.`
          : "What was there before was not seen.",
      ),
  },
});

async function look(ctx: Parameters<typeof lookAtBroker>[0], given: Input): Promise<Seen> {
  const found = await read(given).then(
    (file) => ({ file, fault: null }),
    (error) => ({ file: null, fault: messageOf(error) }),
  );
  return await lookAtBroker(ctx, given.broker, async (broker) => {
    if (!found.file) return { fault: found.fault, scene: null };
    const path = definitionsPath(given.vhost);
    const there = (await broker.find<object>(path)) ?? { queues: [], bindings: [] };
    const own = importable(definitionsIn(JSON.stringify(there), given.broker.cluster), given.broker.login.user);
    const scene: Scene = {
      count: countOf(found.file.definitions),
      sha256: found.file.hash,
      difference: differenceOf(found.file.definitions, own, given.vhost),
      sick: await sickness(broker),
    };
    return { fault: null, scene };
  });
}

async function read({
  file,
  broker,
}: {
  file: string;
  broker: BrokerTarget;
}): Promise<{ definitions: Definitions; hash: string }> {
  const bytes = await readFile(file);
  const definitions = importable(definitionsIn(bytes.toString("utf8"), file), broker.login.user);
  return { definitions, hash: sha256(bytes) };
}

async function seenSo(ctx: ApplyContext, given: Input) {
  let state = "Nothing was seen yet";
  return await until(
    {
      what: `everything of ${given.file} in ${given.broker.cluster}`,
      seconds: ctx.budget.failSeconds * 0.8,
      everyMilliseconds: 500,
      signal: ctx.signal,
      stateNow: () => state,
    },
    async () => {
      const seen = await look(ctx, given);
      if (!seen.answers || !seen.scene) {
        state = seen.answers ? (seen.fault ?? "") : seen.why;
        return null;
      }
      const { difference, count, sick } = seen.scene;
      state = [`missing: ${list(difference.missing)}`, `other: ${list(difference.other)}`, ...sick].join("; ");
      if (difference.missing.length > 0 || difference.other.length > 0 || sick.length > 0) return null;
      return {
        says: `${given.broker.cluster} has everything of the file: ${count}. Messages that were in its queues are not back.`,
        facts: [
          { id: "objects", label: "Brought back", value: count, material: false },
          { id: "extra", label: "There and not in the file", value: difference.extra.length, material: false },
        ],
      };
    },
  );
}

function factsOf(seen: Seen, { broker }: Input): readonly Fact[] {
  const scene = seen.answers ? seen.scene : null;
  return [
    answersFact(seen, broker),
    { id: "file", label: "The file holds", value: scene?.count ?? null, material: true },
    { id: "sha256", label: "SHA-256 of the file", value: scene?.sha256 ?? null, material: true },
    { id: "missing", label: "Missing in the broker", value: scene?.difference.missing.length ?? null, material: false },
  ];
}

function checksOf(seen: Seen, given: Input): readonly Check[] {
  const answers = brokerAnswers(seen, given.broker);
  if (!seen.answers) return [answers];
  const { fault, scene } = seen;
  if (!scene) return [answers, block("file.readable", false, `${given.file} can't be used: ${fault}.`)];
  const { other, extra } = scene.difference;
  const fixed = other.filter((one) => /^(queue|exchange) /.test(one));
  const right = given.sha256 === undefined || given.sha256 === scene.sha256;
  return [
    answers,
    block("file.readable", true, `${given.file} holds ${scene.count}.`),
    block(
      "file.right",
      right,
      right
        ? "The file is the one that was named."
        : `SHA-256 of the file is ${scene.sha256}, and ${given.sha256} is expected.`,
    ),
    {
      ...block(
        "objects.compatible",
        fixed.length === 0,
        fixed.length === 0
          ? "Nothing is there with other settings."
          : `An import does not change what is there with other settings: ${list(fixed)}.`,
      ),
      next: "Delete it first, with its messages.",
    },
    {
      id: "objects.extra",
      level: "warn",
      ok: extra.length === 0,
      says: extra.length === 0 ? "Nothing else is there." : `An import deletes nothing; this stays: ${list(extra)}.`,
    },
  ];
}

function list(names: readonly string[]): string {
  if (names.length === 0) return "nothing";
  return names.length > 10 ? `${names.slice(0, 10).join(", ")} and ${names.length - 10} more` : names.join(", ");
}

function block(id: string, ok: boolean, says: string): Check {
  return { id, level: "block", ok, says };
}
