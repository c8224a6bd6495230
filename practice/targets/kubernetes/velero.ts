import { Refusal } from "../../kit/refusal.ts";
import { KINDS, type Kind, kindNamed } from "./kinds.ts";
import type { Pace } from "./pods.ts";
import type { ObjectStore } from "./store.ts";
import { same, stamp, type Thing } from "./thing.ts";

const backups = kindNamed("backups");
const restores = kindNamed("restores");
const locations = kindNamed("backupstoragelocations");

/** What a backup keeps, in the order in which a restore brings it back. */
const KEPT: readonly Kind[] = KINDS.filter(({ plural }) => ["configmaps", "services", "deployments"].includes(plural));

/** Velero: keeps what a namespace held, and brings it back without ever overwriting unless it is told to. */
export function createVelero(store: ObjectStore, pace: Pace): { tick(): void; failItems(count: number): void } {
  const contents = new Map<string, { kind: Kind; thing: Thing }[]>();
  const since = new Map<string, number>();
  let failing = 0;
  const age = (thing: Thing) => {
    const { uid } = thing.metadata;
    const start = since.get(uid) ?? since.set(uid, performance.now()).get(uid) ?? 0;
    return ((performance.now() - start) / 1000) * pace.timeScale;
  };
  return {
    failItems(count) {
      failing = count;
    },
    tick() {
      for (const one of store.list(backups)) move(backups, one, () => backUp(one));
      for (const one of store.list(restores)) move(restores, one, () => restore(one));
    },
  };

  function move(kind: Kind, one: Thing, finish: () => Thing["status"]): void {
    const phase = one.status?.phase;
    if (phase !== undefined && phase !== "New" && phase !== "InProgress") return;
    const refused = phase === "InProgress" ? null : refusalOf(kind, one);
    const startTimestamp = (one.status?.startTimestamp as string | undefined) ?? stamp();
    if (refused) store.report(kind, one, { phase: "FailedValidation", validationErrors: [refused] });
    else if (age(one) < pace.veleroSeconds / 4) store.report(kind, one, { phase: "New" });
    else if (age(one) < pace.veleroSeconds) store.report(kind, one, { phase: "InProgress", startTimestamp });
    else store.report(kind, one, { startTimestamp, completionTimestamp: stamp(), ...finish() });
  }

  function refusalOf(kind: Kind, one: Thing): string | null {
    const location = store.find(locations, one.metadata.namespace, "default");
    if (kind === backups)
      return location?.status?.phase === "Available" ? null : "backup storage location is unavailable";
    const name = String(one.spec?.backupName ?? "");
    const backup = store.find(backups, one.metadata.namespace, name);
    return backup ? null : `Error retrieving backup: backup.velero.io "${name}" not found`;
  }

  function backUp(backup: Thing): Thing["status"] {
    const namespaces = namesOf(backup.spec?.includedNamespaces);
    const kept = KEPT.flatMap((kind) =>
      store
        .list(kind)
        .filter(({ metadata }) => namespaces.includes("*") || namespaces.includes(metadata.namespace ?? ""))
        .map((thing) => ({ kind, thing })),
    );
    contents.set(backup.metadata.uid, kept);
    const progress = { totalItems: kept.length, itemsBackedUp: kept.length };
    return { phase: "Completed", progress, errors: 0, warnings: 0 };
  }

  function restore(one: Thing): Thing["status"] {
    const backup = store.find(backups, one.metadata.namespace, String(one.spec?.backupName));
    const kept = backup ? (contents.get(backup.metadata.uid) ?? []) : [];
    const namespaces = namesOf(one.spec?.includedNamespaces);
    const mapping = (one.spec?.namespaceMapping ?? {}) as Record<string, string>;
    const due = kept.filter(
      ({ thing }) => namespaces.includes("*") || namespaces.includes(thing.metadata.namespace ?? ""),
    );
    let warnings = 0;
    const errors = Math.min(failing, due.length);
    failing = 0;
    for (const { kind, thing } of due.slice(errors)) {
      const from = thing.metadata.namespace ?? "";
      if (!bring(kind, thing, mapping[from] ?? from, one)) warnings++;
    }
    const progress = { totalItems: due.length, itemsRestored: due.length - errors };
    return { phase: errors > 0 ? "PartiallyFailed" : "Completed", progress, errors, warnings };
  }

  /** False: something else has that name and was left as it is. */
  function bring(kind: Kind, thing: Thing, namespace: string, by: Thing): boolean {
    const { name, labels, annotations } = thing.metadata;
    const mark = { "velero.io/restore-name": by.metadata.name };
    const draft = {
      ...thing,
      status: undefined,
      metadata: { name, labels: { ...labels, ...mark }, ...(annotations ? { annotations } : {}) },
    };
    try {
      store.create(kind, namespace, draft);
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
    const live = store.get(kind, namespace, name);
    if (by.spec?.existingResourcePolicy !== "update") return same(live.spec, thing.spec) && same(live.data, thing.data);
    const { spec, data } = thing;
    store.write(kind, { ...live, ...(spec ? { spec } : {}), ...(data ? { data } : {}) });
    return true;
  }
}

function namesOf(value: unknown): readonly string[] {
  return Array.isArray(value) && value.length > 0 ? (value as string[]) : ["*"];
}
