import { rename, writeFile } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { type Check, type Done, defineAction, type ReadContext } from "../contract.ts";
import { nothingToUndo } from "../undo.ts";
import { type ArchiveView, isIntact, type Label, labelOf, lookAtArchive, sha256 } from "./archive.ts";
import {
  answersFact,
  answersWithLeader,
  type ClusterView,
  clusterInput,
  contentsOf,
  type Look,
  lookAt,
  resourceOf,
  send,
} from "./cluster.ts";

const input = z.strictObject({
  cluster: clusterInput,
  /** Where it is written on Lifeboat's own host, with a label beside it. What is there is replaced when the new one is whole. */
  file: z.string().max(1000).refine(isAbsolute, "has to be an absolute path"),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly cluster: Look<ClusterView>;
  readonly file: ArchiveView;
  readonly lookedAt: number;
}

/** Saves everything Consul knows into a file, and looks whether the file is whole. */
export const snapshot = defineAction<Input, Seen>({
  id: "consul.snapshot",
  summary: "Save a snapshot of Consul into a file, and see that it is whole",
  input,
  risk: "reversible",
  service: "aside",
  repeat: "safe",
  budget: { typicalSeconds: 2, warnSeconds: 20, failSeconds: 120 },
  resources: ({ cluster, file }) => [resourceOf(cluster), `file:${file}`],
  observe: look,
  facts: ({ cluster, file }, given) => [
    answersFact(cluster, given.cluster),
    { id: "replaced", label: "Replaces a snapshot of", value: takenAt(file), material: false },
  ],
  ready: (seen, given) => checksOf(seen, given),
  done({ file }, given, before): Done {
    if (before === null || !file.there || file.label === null) return "no";
    const fresh = file.label.takenAt >= before.lookedAt && file.label.datacenter === given.cluster.datacenter;
    return fresh && file.intact && file.label.sha256 === file.sha256 ? "yes" : "no";
  },
  async apply(ctx, { cluster, file }, seen) {
    if (!seen.cluster.answers) throw unseen();
    const held = await contentsOf(ctx, cluster);
    const { bytes } = await send(ctx, cluster, { path: "/v1/snapshot", seconds: 60 });
    if (!isIntact(bytes)) {
      throw new LifeboatError({
        code: "snapshot-broken",
        where: cluster.name,
        what: "What Consul sent is no whole snapshot",
        stateNow: `${file} is as it was`,
      });
    }
    const { version, services, keys } = seen.cluster;
    const { datacenter } = cluster;
    const holds = held !== null && held === (await contentsOf(ctx, cluster)) ? { contents: held } : {};
    const label: Label = { datacenter, version, takenAt: Date.now(), sha256: sha256(bytes), services, keys, ...holds };
    await replace(file, bytes);
    await replace(labelOf(file), Buffer.from(`${JSON.stringify(label, null, 2)}\n`));
    return { sha256: label.sha256 };
  },
  async verify(_ctx, { file }) {
    const seen = await lookAtArchive(file);
    if (!seen.there || !seen.intact || seen.label?.sha256 !== seen.sha256) {
      throw new LifeboatError({
        code: "snapshot-broken",
        where: file,
        what: "It is not there, not whole, or not as labelled",
      });
    }
    return {
      says: `${file} holds ${seen.label.services.length} services and ${seen.label.keys} keys in ${seen.bytes} bytes, and is whole.`,
      facts: [
        { id: "sha256", label: "SHA-256", value: seen.sha256, material: false },
        { id: "version", label: "Consul", value: seen.label.version, material: false },
      ],
    };
  },
  undo: nothingToUndo(({ file }) => `It writes ${file}, and changes nothing in Consul.`),
});

async function look(ctx: ReadContext, { cluster, file }: Input): Promise<Seen> {
  const [found, archive] = await Promise.all([lookAt(ctx, cluster), lookAtArchive(file)]);
  return { cluster: found, file: archive, lookedAt: Date.now() };
}

function checksOf({ cluster }: Seen, given: Input): readonly Check[] {
  return answersWithLeader(cluster, given.cluster);
}

function takenAt(file: ArchiveView): string | null {
  return file.there && file.label ? new Date(file.label.takenAt).toISOString() : null;
}

async function replace(file: string, bytes: Buffer): Promise<void> {
  await writeFile(`${file}.new`, bytes, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

function unseen(): LifeboatError {
  return new LifeboatError({ code: "consul-unseen", what: "Consul was not seen", stateNow: "Nothing was written" });
}
