import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { sha256 } from "../../lib/canonical.ts";
import { LifeboatError } from "../../lib/errors.ts";
import { defineAction, type Fact } from "../contract.ts";
import { nothingToUndo } from "../undo.ts";
import {
  answersFact,
  type BrokerLook,
  brokerAnswers,
  brokerInput,
  definitionsPath,
  lookAtBroker,
  openBroker,
  vhostInput,
} from "./broker.ts";
import { countOf, definitionsIn, identityOf } from "./definitions.ts";

const input = z.strictObject({
  broker: brokerInput,
  vhost: vhostInput,
  /** The file to write. What is there is replaced in one rename. */
  file: z.string().refine(isAbsolute, "has to be an absolute path"),
});
type Input = z.infer<typeof input>;

type Seen = BrokerLook<{
  /** What the broker has now, as a hash: definitions hold password hashes and are not written down. */
  readonly identity: string;
  readonly count: string;
  /** The same of the file; null: there is none, or it is none. */
  readonly inFile: string | null;
}>;

/** Writes what a broker has (queues, exchanges, bindings, users, policies; no message) into a file. */
export const exportDefinitions = defineAction<Input, Seen>({
  id: "rabbitmq.export",
  summary: "Write RabbitMQ's definitions into a file",
  input,
  risk: "reversible",
  service: "aside",
  repeat: "safe",
  budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 60 },
  resources: ({ file }) => [`file:${file}`],
  observe: (ctx, { broker: target, vhost, file }) =>
    lookAtBroker(ctx, target, async (broker) => {
      const there = definitionsIn(JSON.stringify(await broker.get(definitionsPath(vhost))), target.cluster);
      return { identity: identityOf(there), count: countOf(there), inFile: await identityIn(file) };
    }),
  facts: (seen, { broker }) => [
    answersFact(seen, broker),
    { id: "objects", label: "To be written", value: seen.answers ? seen.count : null, material: false },
  ],
  ready: (seen, { broker }) => [brokerAnswers(seen, broker)],
  done(seen) {
    if (!seen.answers) return "unknown";
    return seen.inFile === seen.identity ? "yes" : "no";
  },
  async apply(ctx, { broker: target, vhost, file }) {
    const broker = await openBroker(ctx, target);
    const text = `${JSON.stringify(await broker.get(definitionsPath(vhost)), null, 2)}\n`;
    definitionsIn(text, target.cluster);
    await write(file, text);
    return { sha256: sha256(Buffer.from(text)) };
  },
  async verify(_ctx, { file }) {
    const bytes = await readFile(file);
    const count = countOf(definitionsIn(bytes.toString("utf8"), file));
    const facts: readonly Fact[] = [
      { id: "file", label: "File", value: file, material: false },
      { id: "sha256", label: "SHA-256", value: sha256(bytes), material: false },
      { id: "objects", label: "Written", value: count, material: false },
    ];
    return { says: `${file} holds ${count}. Messages are not in it.`, facts };
  },
  undo: nothingToUndo(({ file }) => `It writes ${file}, and changes nothing in the broker.`),
});

async function identityIn(file: string): Promise<string | null> {
  try {
    return identityOf(definitionsIn(await readFile(file, "utf8"), file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof LifeboatError) return null;
    throw error;
  }
}

/** For its owner alone: it holds password hashes. */
async function write(file: string, text: string): Promise<void> {
  const draft = join(dirname(file), `.lifeboat-${randomBytes(4).toString("hex")}`);
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}
