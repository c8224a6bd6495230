import { access, constants, stat } from "node:fs/promises";
import type { Catalog } from "../catalog/types.ts";
import type { Config } from "../config.ts";
import { containment } from "../lib/launch.ts";
import { isEnvironmentReadable, weaknesses } from "../script-host.ts";
import { type Finding, fail, ok, skip, warn } from "./finding.ts";

const FLOOR = [20, 19] as const;

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const good = major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1]);
  return good
    ? ok("node", `Node ${version}.`)
    : fail("node", `Node ${version} is too old.`, `Install Node ${FLOOR.join(".")} or newer.`);
}

export async function checkFolders({ store }: Pick<Config, "store">): Promise<readonly Finding[]> {
  const { stateFolder } = store;
  const there = await stat(stateFolder).catch(() => null);
  if (there === null)
    return [
      warn(
        "state",
        `${stateFolder} does not exist yet; the bot makes it at its first start.`,
        "In a container, mount a volume there (LIFEBOAT_STATE): what was seen of the record must outlive it.",
      ),
    ];
  const writable = await access(stateFolder, constants.W_OK).then(
    () => true,
    () => false,
  );
  return [
    writable
      ? ok("state", `${stateFolder} takes what is seen of the record.`)
      : fail("state", `${stateFolder} can't be written to.`, "Give it to the user the bot runs as."),
  ];
}

/** What scripts could do on this machine that they should not. */
export async function checkScripts(
  { scriptUser }: Pick<Config, "scriptUser">,
  { systems }: Pick<Catalog, "systems">,
): Promise<readonly Finding[]> {
  if (systems.every(({ scripts }) => scripts.length === 0)) return [skip("scripts", "No system here has scripts.")];
  const found = weaknesses(await containment(), scriptUser !== null, await isEnvironmentReadable());
  if (found.length === 0)
    return [ok("scripts", "Scripts can be held to their time, and can't read Lifeboat's secrets.")];
  return found.map(({ event, says }) => warn(event.replace(/[._]/g, "-"), says, "SECURITY.md says what that means."));
}
