import type { AwsState } from "./state.ts";
import type { Operation } from "./turn.ts";

/** STS over the Query protocol: whose credentials these are. */
export function stsOperations(state: AwsState): Readonly<Record<string, Operation>> {
  return {
    GetCallerIdentity: () => ({
      answer: {
        Arn: `arn:aws:sts::${state.account}:assumed-role/lifeboat/practice`,
        UserId: "AROAPRACTICE:practice",
        Account: state.account,
      },
    }),
  };
}
