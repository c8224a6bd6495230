import { type Aws, createAws, type RecordSet } from "../../targets/aws/index.ts";
import { ACCOUNT, ADDRESS, CONTROLS, MEDIA, PUBLIC_NAME, REGION, type Side, ZONE } from "./names.ts";

/** 1 s of AWS is 4 ms: a change of DNS takes 0.14 s, a copy of 15 s between buckets 60 ms. */
const SCALE = 0.004;
const COPY_SECONDS = 15;
const PICTURES = 20;

/** AWS as this company uses it: the public name, routing controls, and a bucket a region with a rule that copies. */
export interface Cloud {
  readonly aws: Aws;
  /** Everyone is sent to this side. */
  reset(serving: Side): void;
  close(): Promise<void>;
}

export async function createCloud(): Promise<Cloud> {
  const aws = await createAws({ scale: SCALE, account: ACCOUNT });
  const { state, s3 } = aws;
  for (const side of ["east", "west"] as const) s3.add(MEDIA[side], REGION[side]);

  return {
    aws,
    reset(serving) {
      aws.faults.clear();
      s3.flow();
      aws.ledger.clear();
      state.healthChecks.clear();
      for (const side of ["east", "west"] as const) {
        state.controls.set(CONTROLS[side], "On");
        state.healthChecks.set(`hc-${side}`, {
          id: `hc-${side}`,
          version: 1,
          disabled: false,
          inverted: false,
          endpointUp: true,
          routingControl: CONTROLS[side],
        });
      }
      // No one may ever turn off the last way in.
      const rule = `${CONTROLS.east.split("/routingcontrol")[0]}/safetyrule/one-on`;
      state.rules.splice(0, state.rules.length, { arn: rule, controls: Object.values(CONTROLS), atLeast: 1 });
      const records = (["east", "west"] as const).map((side) => route(side, side === serving ? 100 : 0));
      state.zones.set(ZONE, { id: ZONE, records, served: records, protections: [], busyUntil: 0 });
      stock(aws, serving);
    },
    close: () => aws.close(),
  };
}

function route(side: Side, weight: number): RecordSet {
  return {
    name: PUBLIC_NAME,
    type: "A",
    setIdentifier: REGION[side],
    weight,
    healthCheck: `hc-${side}`,
    ttl: 30,
    values: [ADDRESS[side]],
  };
}

/** The serving side's bucket has pictures, and the other one copies of them. Rules copy both ways, as the document draws it. */
function stock({ s3 }: Aws, serving: Side): void {
  const other: Side = serving === "east" ? "west" : "east";
  for (const side of ["east", "west"] as const) {
    const bucket = s3.buckets.get(MEDIA[side]);
    bucket?.objects.clear();
    bucket?.rules.splice(0);
    bucket?.rules.push({
      id: "to-the-other-region",
      destination: MEDIA[side === "east" ? "west" : "east"],
      prefix: "",
      seconds: COPY_SECONDS,
      enabled: true,
    });
  }
  for (let n = 0; n < PICTURES; n++) {
    const key = `pictures/${n}.jpg`;
    s3.put(MEDIA[serving], key, `picture ${n}`, { replication: "COMPLETED" });
    s3.put(MEDIA[other], key, `picture ${n}`, { replication: "REPLICA" });
  }
}
