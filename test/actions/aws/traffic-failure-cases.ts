import type { Aws, RecordSet } from "../../../practice/targets/aws/index.ts";
import { asked, type FailureSuite } from "../../support/failure-case.ts";
import { ACCOUNT, EAST, overAws, place, type Scenario, WEST } from "./fixture.ts";

export const ZONE = "Z0PRACTICE";
export const records = (east: number, west: number): RecordSet[] => [
  { name: "api.shop.test", type: "A", setIdentifier: "east", weight: east, ttl: 30, values: ["127.0.0.11"] },
  { name: "api.shop.test", type: "A", setIdentifier: "west", weight: west, ttl: 30, values: ["127.0.0.12"] },
];
const weights = (aws: Aws) => aws.state.zones.get(ZONE)?.records.map((set) => set.weight);
export const setWeights = (aws: Aws, east: number, west: number) => {
  const zone = aws.state.zones.get(ZONE);
  if (zone) zone.records = records(east, west);
};

export const shift: Scenario = {
  action: "route53.shift",
  operation: "ChangeResourceRecordSets",
  input: () => ({
    ...place(WEST),
    zone: ZONE,
    records: [
      { name: "api.shop.test", type: "A", setIdentifier: "east", from: { weight: 100 }, to: { weight: 0 } },
      { name: "api.shop.test", type: "A", setIdentifier: "west", from: { weight: 0 }, to: { weight: 100 } },
    ],
  }),
  prepare(aws) {
    const sets = records(100, 0);
    aws.state.zones.set(ZONE, { id: ZONE, records: sets, served: sets, protections: [], busyUntil: 0 });
  },
  holds: (aws) => weights(aws)?.join() === "0,100",
  byHand: (aws) => setWeights(aws, 0, 100),
  wrong: (aws) => setWeights(aws, 50, 50),
};

export const override: Scenario = {
  action: "route53.healthcheck_override",
  operation: "UpdateHealthCheck",
  input: () => ({ ...place(WEST), healthCheck: "hc-east", force: "unhealthy" }),
  prepare: (aws) =>
    void aws.state.healthChecks.set("hc-east", {
      id: "hc-east",
      version: 3,
      disabled: false,
      inverted: false,
      endpointUp: true,
    }),
  holds: (aws) => aws.state.healthChecks.get("hc-east")?.inverted === true,
  byHand: (aws) => void Object.assign(aws.state.healthChecks.get("hc-east") ?? {}, { disabled: true, inverted: true }),
  wrong: (aws) => void aws.state.healthChecks.clear(),
};

const panel = `arn:aws:route53-recovery-control::${ACCOUNT}:controlpanel/p1/routingcontrol`;
export const [eastControl, westControl] = [`${panel}/east`, `${panel}/west`];
export const regions = [EAST, WEST, "eu-west-1", "ap-southeast-2", "ap-northeast-1"];
export const routing: Scenario = {
  action: "arc.set_routing",
  operation: "UpdateRoutingControlStates",
  input: (aws) => ({
    account: ACCOUNT,
    pollSeconds: 0.02,
    endpoints: regions.map((region) => ({ region, url: aws.url })),
    controls: [
      { arn: eastControl, state: "Off" },
      { arn: westControl, state: "On" },
    ],
  }),
  prepare(aws) {
    aws.state.controls.set(eastControl, "On").set(westControl, "Off");
  },
  holds: (aws) => aws.state.controls.get(westControl) === "On" && aws.state.controls.get(eastControl) === "Off",
  byHand: (aws) => void aws.state.controls.set(eastControl, "Off").set(westControl, "On"),
  wrong: (aws) => void aws.state.controls.clear(),
  // The account is read from the controls' own ARNs.
  other: (aws) => asked({ ...(routing.input(aws) as object), account: "999988887777" }),
  absolute: "a routing control's state is set, not flipped, and the next endpoint is asked",
};

export const suite: FailureSuite = { cases: [shift, override, routing].map(overAws) };
