import { Refusal } from "../../kit/refusal.ts";
import type { AwsState } from "./state.ts";
import type { Operation } from "./turn.ts";

interface Update {
  readonly RoutingControlArn: string;
  readonly RoutingControlState: "On" | "Off";
}

/** The data plane of ARC routing controls over AWS JSON 1.0. All cluster endpoints share one state. */
export function arcOperations(world: AwsState): Readonly<Record<string, Operation>> {
  const stateOf = (arn: string) => {
    const state = world.controls.get(arn);
    if (!state) throw new Refusal("ResourceNotFoundException", `No routing control ${arn}`, 404);
    return state;
  };
  return {
    GetRoutingControlState({ given }) {
      const arn = String(given.RoutingControlArn);
      return {
        answer: { RoutingControlArn: arn, RoutingControlState: stateOf(arn), RoutingControlName: arn.slice(-8) },
      };
    },
    UpdateRoutingControlStates({ given }) {
      const updates = given.UpdateRoutingControlStateEntries as readonly Update[];
      const override = (given.SafetyRulesToOverride ?? []) as readonly string[];
      for (const { RoutingControlArn } of updates) stateOf(RoutingControlArn);
      const after = new Map(world.controls);
      for (const one of updates) after.set(one.RoutingControlArn, one.RoutingControlState);
      const broken = world.rules.find(
        (rule) =>
          !override.includes(rule.arn) && rule.controls.filter((arn) => after.get(arn) === "On").length < rule.atLeast,
      );
      if (broken) throw new Refusal("ConflictException", `Safety rule ${broken.arn} would be violated`, 409);
      return {
        answer: {},
        effect() {
          for (const one of updates) world.controls.set(one.RoutingControlArn, one.RoutingControlState);
        },
      };
    },
  };
}
