import { parsePublicKey } from "../../lib/ssh-key.ts";
import { errorAt } from "../fault.ts";
import type { Rule } from "./rule.ts";

export const sharedKey: Rule = {
  id: "shared-key",
  says: "A key is one person's: a signature by a key that two people have says nothing about who it is.",
  *system({ system }) {
    const owners = new Map<string, string>();
    for (const { id, keys = [] } of system.people) {
      for (const [k, line] of keys.entries()) {
        const fingerprint = parsePublicKey(line)?.fingerprint ?? line;
        const owner = owners.get(fingerprint);
        if (owner !== undefined && owner !== id)
          yield errorAt(["people", id, "keys", k], `This key is ${owner}'s above, so it counts for neither of them`, {
            next: "Give each person a key of their own",
          });
        owners.set(fingerprint, owner ?? id);
      }
    }
  },
};
