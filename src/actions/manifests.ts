import { readFile } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { z } from "zod";
import { sha256 } from "../lib/canonical.ts";
import { LifeboatError } from "../lib/errors.ts";
import { parseKubernetesYaml } from "../lib/kubernetes-yaml.ts";

/**
 * A manifest file the system allows, as the plan carries it: where it is, and the SHA-256 of its bytes when the plan was
 * made. The runbook names it; the catalogue puts this in its place.
 */
export const manifestInput = z.strictObject({
  name: z.string().min(1),
  path: z.string().refine(isAbsolute, "has to be an absolute path"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type Manifest = z.infer<typeof manifestInput>;

/** An object as a file asks for it. */
export interface Wished {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

const wished = z.looseObject({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  metadata: z.looseObject({ name: z.string().min(1), namespace: z.string().optional() }),
});

/**
 * The objects of the files, in their order: exactly the bytes that were approved.
 * @throws LifeboatError when a file is another one by now, or holds something that is no object
 */
export async function readObjects(manifests: readonly Manifest[]): Promise<readonly Wished[]> {
  const all = await Promise.all(manifests.map(objectsIn));
  return all.flat();
}

async function objectsIn({ name, path, sha256: planned }: Manifest): Promise<readonly Wished[]> {
  const bytes = await readFile(path);
  if (sha256(bytes) !== planned) {
    throw new LifeboatError({
      code: "manifest-changed",
      where: name,
      what: "The manifest is not the one that was planned and approved",
      stateNow: "Nothing of it was applied",
      next: "Request the run again, so that the new one is approved",
    });
  }
  const documents = parseKubernetesYaml(bytes.toString("utf8"));
  return documents
    .filter((document) => document.contents !== null)
    .map((document) => {
      const parsed = wished.safeParse(document.errors.length > 0 ? null : document.toJS({ maxAliasCount: 50 }));
      if (parsed.success) return parsed.data as Wished;
      throw new LifeboatError({
        code: "manifest-invalid",
        where: name,
        what: "A document of it is no Kubernetes object",
      });
    });
}
