import { Refusal } from "../../../kit/refusal.ts";
import type { AwsState } from "../state.ts";
import type { Call, Operation } from "../turn.ts";
import { items } from "../xml.ts";
import { many, paged, TOOK, text, UNSEEN } from "./call.ts";

/** Parameter groups, and when the instances of one take in what it says. */
export function parameterOperations(state: AwsState): Readonly<Record<string, Operation>> {
  const { clock } = state;

  return {
    DescribeDBParameters(call) {
      const { found, more } = paged(state, call, [...parameterGroup(state, call)]);
      return {
        answer: {
          ...more,
          Parameters: items(
            "Parameter",
            found.map(([ParameterName, ParameterValue]) => ({
              ParameterName,
              ParameterValue,
              Description: `Sets ${ParameterName}.`,
              DataType: "string",
              ApplyMethod: "immediate",
              Source: "user",
              ApplyType: "dynamic",
              IsModifiable: true,
            })),
          ),
        },
      };
    },

    ModifyDBParameterGroup(call) {
      const group = parameterGroup(state, call);
      const name = text(call, "DBParameterGroupName") ?? "";
      const named = many(call, "Parameters.Parameter", ".ParameterName");
      const values = many(call, "Parameters.Parameter", ".ParameterValue");
      return {
        answer: { DBParameterGroupName: name },
        effect() {
          for (const [i, key] of named.entries()) group.set(key, values[i] ?? "");
          for (const one of state.instances.values()) {
            if (one.region !== call.region || one.parameterGroup !== name) continue;
            // What waits for a reboot goes on waiting: a dynamic change beside it is taken in all the same.
            const rests = one.parameterStatus === "pending-reboot" ? "pending-reboot" : "in-sync";
            clock.after(UNSEEN, () => {
              one.parameterStatus = "applying";
            });
            // A server that is down takes in what the group says then once it's up; until then its status stays as it is.
            const takesIn = async (): Promise<void> => {
              if (![...state.instances.values()].includes(one)) return;
              await (one.onParameters?.(group) ?? Promise.resolve()).then(
                () => {
                  one.parameterStatus = rests;
                },
                () => clock.after(TOOK.parameters, takesIn),
              );
            };
            clock.after(TOOK.parameters, takesIn);
          }
        },
      };
    },
  };
}

function parameterGroup(state: AwsState, call: Call): Map<string, string> {
  const name = text(call, "DBParameterGroupName") ?? "";
  const found = state.parameterGroups.get(`${call.region}/${name}`);
  if (found) return found;
  if (name.startsWith("default.")) {
    throw new Refusal("InvalidDBParameterGroupState", "A default parameter group cannot be modified.");
  }
  throw new Refusal("DBParameterGroupNotFound", `DBParameterGroup not found: ${name}`, 404);
}
