import { describe } from "@jest/globals";
import { absent } from "../../practice/environment/fleet.ts";

/**
 * `describe` where the programs are on this machine, else `describe.skip` and a line that says what to install. With
 * LIFEBOAT_NO_SKIPS=1 they have to be there.
 */
export async function describeWith(
  programs: readonly string[],
  packages: readonly string[],
): Promise<typeof describe | typeof describe.skip> {
  const missing = await absent(programs);
  if (missing.length === 0) return describe;
  const says = `${missing.join(", ")} is not on this machine: apt-get install --no-install-recommends ${packages.join(" ")}`;
  if (process.env.LIFEBOAT_NO_SKIPS === "1") throw new Error(`Nothing may be skipped, but ${says}`);
  console.warn(`Skipped: ${says}`);
  return describe.skip;
}
