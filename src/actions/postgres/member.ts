import type { MemberKind } from "../member.ts";
import { type Node, nodeInput } from "./node.ts";
import { isStandby, lookAt } from "./view.ts";

/** A server of a pair that replicates: active takes writes, fenced would but is read-only by default, standby is in recovery. */
export const postgresMember: MemberKind<Node> = {
  kind: "postgres",
  input: nodeInput,
  async look(ctx, node) {
    const seen = await lookAt(ctx, node);
    if (!seen.answers) {
      const state = seen.kind === "refused" ? "unclear" : "silent";
      return {
        state,
        says: `${node.name} ${state === "silent" ? "does not answer" : `refuses our login (${seen.why})`}`,
      };
    }
    const known = { cluster: seen.systemId, process: seen.process };
    if (isStandby(seen)) {
      const streaming = seen.standby.receiver === "streaming";
      return {
        state: "standby",
        ...known,
        streaming,
        says: `${node.name} is a standby${streaming ? "" : ", not streaming"}`,
      };
    }
    if (seen.readOnly) return { state: "fenced", ...known, says: `${node.name} is a fenced primary` };
    // A base backup is taken by a session of the same kind.
    const followers = seen.followers.filter(({ state }) => state !== "backup").length;
    return { state: "active", ...known, order: seen.timeline, followers, says: `${node.name} takes writes` };
  },
};
