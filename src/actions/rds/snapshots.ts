import type { DBSnapshot } from "@aws-sdk/client-rds";
import { awsErrorOf, type Place } from "../aws.ts";
import type { ReadContext } from "../contract.ts";
import { pagesOf, withRds } from "./client.ts";

/** A snapshot of an instance, automated or made by hand. */
export interface SnapshotView {
  readonly id: string;
  readonly status: string;
  /** When it was begun: what it holds is from then. Milliseconds since 1970; null while it is not known yet. */
  readonly at: number | null;
  readonly encrypted: boolean;
}

export interface Snapshots {
  /** Newest first. */
  readonly all: readonly SnapshotView[];
  /** Why they can't be read; null when they can. */
  readonly why: string | null;
}

export async function snapshotsOf(ctx: ReadContext, place: Place, instance: string): Promise<Snapshots> {
  try {
    const pages = await withRds(ctx, place, "read", (rds, within) =>
      pagesOf((from) => rds.describeDBSnapshots({ DBInstanceIdentifier: instance, ...from }, within)),
    );
    const all = pages.flatMap(({ DBSnapshots = [] }) => DBSnapshots.map(viewOf));
    return { all: all.sort((a, b) => (b.at ?? 0) - (a.at ?? 0)), why: null };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { kind, says } = awsErrorOf(error);
    return { all: [], why: `${says}${kind === "denied" ? " Allow rds:DescribeDBSnapshots." : ""}` };
  }
}

/** The newest that can be restored. `before`: and was made before this moment, in milliseconds. */
export function newestUsable({ all }: Snapshots, before = Number.POSITIVE_INFINITY): SnapshotView | null {
  return all.find(({ status, at }) => status === "available" && at !== null && at < before) ?? null;
}

function viewOf(one: DBSnapshot): SnapshotView {
  return {
    id: one.DBSnapshotIdentifier ?? "",
    status: one.Status ?? "unknown",
    at: one.SnapshotCreateTime?.getTime() ?? null,
    encrypted: one.Encrypted === true,
  };
}
