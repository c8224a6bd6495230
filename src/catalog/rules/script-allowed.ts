import { writableByOthers } from "../../lib/writable.ts";
import { errorAt, type Fault } from "../fault.ts";
import { scriptNamed, scriptPath } from "../script.ts";
import { offer } from "../suggest.ts";
import { actionsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const scriptAllowed: Rule = {
  id: "script-allowed",
  says: "Only scripts the system lists are started. Each is a file in the system's folder that others can't write to.",
  judgesParts: true,
  *system({ system, home }) {
    for (const { name, file } of system.scripts) {
      const real = scriptPath(home, file);
      if (real !== null) {
        const open = writableByOthers(real);
        if (open !== null) yield writable(name, file, open);
        continue;
      }
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

function writable(name: string, file: string, open: string): Fault {
  return errorAt(["scripts", name, "file"], `"${file}" can be changed by other users of this machine, at ${open}`, {
    next: `chmod go-w ${open}, and check the script's content`,
  });
}
