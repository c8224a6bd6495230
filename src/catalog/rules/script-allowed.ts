import { errorAt } from "../fault.ts";
import { scriptNamed, scriptPath } from "../script.ts";
import { offer } from "../suggest.ts";
import { actionsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const scriptAllowed: Rule = {
  id: "script-allowed",
  says: "Only scripts the system lists are started, and each is a file inside the system's own folder.",
  judgesParts: true,
  *system({ system, home }) {
    for (const { name, file } of system.scripts) {
      if (scriptPath(home, file) !== null) continue;
      yield errorAt(["scripts", name, "file"], `"${file}" is not a file in the folder of this system`, {
        allowed: "A file inside the folder that holds system.yml, also after links: scripts/repoint.sh",
      });
    }
  },
  *runbook({ system, runbook }) {
    const known = system.scripts.map(({ name }) => name);
    for (const { path, does } of actionsOf(runbook)) {
      const asked = scriptNamed(does.with);
      if (asked === null || known.includes(asked)) continue;
      yield errorAt([...path, "with", "script"], `"${asked}" is not a script this system allows`, offer(asked, known));
    }
  },
};
