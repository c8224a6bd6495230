import { setTimeout as pause } from "node:timers/promises";
import { RDS, waitUntilDBInstanceAvailable } from "@aws-sdk/client-rds";
import { createAws } from "../../practice/targets/aws/index.ts";
import { anInstance } from "../../practice/targets/aws/rds/instance.ts";
import { actionHarness } from "../support/action-harness.ts";
import type { Figure } from "./figure.ts";
import { median } from "./statistics.ts";

const ACCOUNT = "111122223333";
const REGION = "us-east-1";
/** Seconds each restore takes; none is a multiple of anyone's interval. */
const JOBS = [61, 97, 151, 233, 307, 419, 503, 599];

/** All at the same time, so it takes as long as the longest: ten minutes. */
export const p4: Figure = {
  name: "p4",
  title: `"The work is done" noticed, for RDS restores of ${JOBS[0]}–${JOBS.at(-1)} s, by Lifeboat and by the SDK's waiter`,
  async measure(around) {
    const aws = await createAws({ scale: 0.001, account: ACCOUNT });
    around.later(() => aws.close());
    const before = process.env.AWS_ENDPOINT_URL;
    process.env.AWS_ENDPOINT_URL = aws.url;
    around.later(async () => {
      if (before === undefined) delete process.env.AWS_ENDPOINT_URL;
      else process.env.AWS_ENDPOINT_URL = before;
    });
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) process.env[name] ??= "bench";
    aws.state.instances.set(`${REGION}/orders`, anInstance({ id: "orders", region: REGION }));
    const done = new Map<string, number>();
    aws.state.onCreate = async ({ id }) => {
      await pause(Number(id.split("-").at(-1)) * 1000);
      done.set(id, performance.now());
    };
    const harness = actionHarness({});
    const client = new RDS({ region: REGION, endpoint: aws.url });
    around.later(async () => client.destroy());
    const late = await Promise.all(
      JOBS.map(async (seconds) => {
        const target = `restored-${seconds}`;
        const noticed = async (work: Promise<unknown>) => {
          await work;
          return performance.now() - (done.get(target) ?? Number.NaN);
        };
        const ours = noticed(
          harness.perform(target, "rds.restore_pitr", {
            ...{ account: ACCOUNT, region: REGION, source: "orders", target, time: "latest" },
            ...{ subnetGroup: "default", securityGroups: ["sg-default"], parameterGroup: "default.postgres16" },
          }),
        );
        while (!aws.state.instances.has(`${REGION}/${target}`)) await pause(20);
        const theirs = noticed(
          waitUntilDBInstanceAvailable({ client, maxWaitTime: 1800 }, { DBInstanceIdentifier: target }),
        );
        return { ours: await ours, theirs: await theirs };
      }),
    );
    const [ours, theirs] = [median(late.map((one) => one.ours)), median(late.map((one) => one.theirs))];
    return [
      { what: "noticed after it was done, median", value: ours / 1000, unit: "s", goal: { atMost: 2 } },
      { what: "at the latest", value: Math.max(...late.map((one) => one.ours)) / 1000, unit: "s" },
      { what: "the SDK's waiter, median", value: theirs / 1000, unit: "s" },
      { what: "to the SDK's waiter", value: ours / theirs, unit: "×", goal: { atMost: 1 / 20 } },
    ];
  },
};
