import type { Operation } from "./turn.ts";
import type { World } from "./world.ts";

/** STS over the Query protocol: whose credentials these are. */
export function stsOperations(world: World): Readonly<Record<string, Operation>> {
  return {
    GetCallerIdentity: () => ({
      answer: {
        Arn: `arn:aws:sts::${world.account}:assumed-role/lifeboat/practice`,
        UserId: "AROAPRACTICE:practice",
        Account: world.account,
      },
    }),
  };
}
