import { errorAt } from "../fault.ts";
import { manifestsNamed } from "../manifest.ts";
import { scriptPath } from "../script.ts";
import { offer } from "../suggest.ts";
import { actionsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const manifestAllowed: Rule = {
  id: "manifest-allowed",
  says: "Only manifests the system lists are applied, and each is a file inside the system's own folder.",
  judgesParts: true,
  *system({ system, home }) {
    for (const { name, file } of system.manifests ?? []) {
      if (scriptPath(home, file) !== null) continue;
      yield errorAt(["manifests", name], `"${file}" is not a file in the folder of this system`, {
        allowed: "A file inside the folder that holds system.yml, also after links: manifests/app.yml",
      });
    }
  },
  *runbook({ system, runbook }) {
    const known = (system.manifests ?? []).map(({ name }) => name);
    for (const { path, does } of actionsOf(runbook)) {
      for (const [index, asked] of manifestsNamed(does.with).entries()) {
        if (known.includes(asked)) continue;
        yield errorAt(
          [...path, "with", "manifests", index],
          `"${asked}" is not a manifest of this system`,
          offer(asked, known),
        );
      }
    }
  },
};
