import type { Specification } from "./search.ts";

/**
 * A primary that may stop answering, come back and take writes; a standby that is promoted. `evidence`: nothing is promoted unless the
 * fence was seen to hold, or people approved the promotion over exactly this server unfenced (`src/incident/unfenced.ts`). Without it a
 * fence whose answer never came counts as a fence: the old primary comes back with the application on it.
 */
export interface Fence {
  readonly primary: "takes writes" | "silent" | "fenced";
  /** It takes writes as soon as it answers again. */
  readonly comesBackOpen: boolean;
  readonly asked: boolean;
  /** The fence was looked at and holds. */
  readonly seen: boolean;
  /** People approved promoting over a server that isn't fenced. */
  readonly signed: boolean;
  readonly promoted: boolean;
}

export function fence({ evidence }: { readonly evidence: boolean }): Specification<Fence> {
  return {
    start: {
      ...{ primary: "takes writes", comesBackOpen: true, asked: false, seen: false },
      signed: false,
      promoted: false,
    },
    moves(state) {
      const found: { does: string; to: Fence }[] = [];
      const { primary, comesBackOpen } = state;
      if (primary !== "silent")
        found.push({ does: "the primary stops answering", to: { ...state, primary: "silent" } });
      if (primary === "silent")
        found.push({
          does: comesBackOpen
            ? "the primary answers again and takes writes"
            : "the primary answers again, still fenced",
          to: { ...state, primary: comesBackOpen ? "takes writes" : "fenced" },
        });
      if (!state.asked) {
        if (primary === "takes writes")
          found.push(
            {
              does: "the fence is requested and takes effect",
              to: { ...state, asked: true, primary: "fenced", comesBackOpen: false },
            },
            { does: "the fence is requested, and the request is lost", to: { ...state, asked: true } },
          );
        if (primary === "silent")
          found.push({ does: "the fence is requested, and nothing answers", to: { ...state, asked: true } });
      }
      if (primary === "fenced" && !state.seen)
        found.push({ does: "the primary is looked at: fenced", to: { ...state, seen: true } });
      if (state.asked && !state.seen && !state.signed)
        found.push({ does: "people approve promoting over the unfenced primary", to: { ...state, signed: true } });
      const may = evidence ? state.seen || state.signed : state.asked;
      if (may && !state.promoted) found.push({ does: "the standby is promoted", to: { ...state, promoted: true } });
      return found;
    },
    wrong: ({ promoted, primary, signed }) =>
      promoted && primary === "takes writes" && !signed ? "Two servers take writes, and nobody accepted that." : null,
  };
}
