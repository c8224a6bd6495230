import { anInstance, createAws } from "../../practice/targets/aws/index.ts";
import { actionHarness, blockedBy } from "../support/action-harness.ts";
import { type Deal, insist, type Target } from "./target.ts";

const CONTRACT = ['"lifeboat contract"'];

export const aws: Target = {
  id: "aws",
  title: "AWS: STS, CloudWatch, RDS, Route 53",
  settings: [
    { name: "LIVE_AWS_ACCOUNT", says: "the twelve digits of the account the credentials belong to" },
    { name: "LIVE_AWS_REGION", says: "a region", otherwise: "us-east-1" },
    { name: "LIVE_RDS_INSTANCE", says: "an RDS instance to look at", otherwise: "" },
    { name: "AWS_ENDPOINT_URL", says: "an AWS other than AWS's own", otherwise: "" },
  ],
  mayChange: {
    is: "a TXT record that stands for nothing, best a wildcard, with its zone: Z0EXAMPLE/*.lifeboat-contract.example.com",
    does: "says something else and then what it said before",
  },
  async standIn() {
    const stand = await createAws({ scale: 0.003 });
    const values = ['"v=spf1 -all"', '"site-verification=abc"'];
    const records = [{ name: "*.contract.shop.test", type: "TXT", ttl: 30, values }];
    stand.state.zones.set("Z0PRACTICE", {
      id: "Z0PRACTICE",
      records,
      served: records,
      protections: [],
      busyUntil: 0,
    });
    stand.state.instances.set("us-east-1/orders", anInstance({ id: "orders", region: "us-east-1" }));
    return {
      environment: {
        AWS_ENDPOINT_URL: stand.url,
        LIVE_AWS_ACCOUNT: stand.state.account,
        LIVE_AWS_REGION: "us-east-1",
        LIVE_RDS_INSTANCE: "orders",
      },
      // AWS lists it as \\052.contract.shop.test.
      mayChange: "Z0PRACTICE/*.contract.shop.test",
      stop: () => stand.close(),
    };
  },
  deals({ setting, optional, environment, practice, mayChange, signal }) {
    const harness = actionHarness({ ...environment }, { practice, signal });
    const place = { account: setting("LIVE_AWS_ACCOUNT"), region: setting("LIVE_AWS_REGION"), pollSeconds: 2 };
    const gate = { ...place, metric: { namespace: "AWS/RDS", name: "ReplicaLag" }, is: "<=", limit: 1 };
    const account = async (given: object) => {
      const { checks } = await harness.look("cloudwatch.gate", given);
      return checks.find(({ id }) => id === "aws.account");
    };
    const instance = optional("LIVE_RDS_INSTANCE");
    const [zone = "", name = ""] = (mayChange ?? "/").split("/");
    const restorer = actionHarness({ ...environment }, { practice });
    const record = (from: readonly string[], to: readonly string[]) => ({
      ...place,
      pollSeconds: practice ? 0.05 : 2,
      zone,
      ttlSecondsMax: 300,
      records: [{ name, type: "TXT", from: { values: from }, to: { values: to } }],
    });
    /** Each value by itself: one line of all of them can't be taken apart again. */
    const valuesNow = async () => {
      const { seen } = await restorer.look("route53.shift", record(CONTRACT, CONTRACT));
      const { set } = (seen as { records: readonly [{ set: { ResourceRecords?: { Value: string }[] } | null }] })
        .records[0];
      return (set?.ResourceRecords ?? []).map(({ Value }) => Value);
    };
    const looks: Deal[] = [
      {
        says: "the credentials are for this account",
        async hold() {
          const found = await account(gate);
          insist(found?.ok === true, found?.says ?? "nothing was said of the account");
          return found?.says ?? "";
        },
      },
      {
        says: "a plan for another account is refused",
        async hold() {
          const found = await account({ ...gate, account: "000000000000" });
          insist(found?.ok === false, "it was not refused");
          return found?.says ?? "";
        },
      },
      {
        says: "a metric without a value is no yes",
        async hold() {
          const { checks } = await harness.look("cloudwatch.gate", {
            ...gate,
            metric: { ...gate.metric, dimensions: { DBInstanceIdentifier: "lifeboat-is-not-here" } },
          });
          insist(blockedBy(checks).includes("metric.within"), "nothing at all was taken for a yes");
          return checks.find(({ id }) => id === "metric.within")?.says ?? "";
        },
      },
    ];
    if (instance !== "") {
      looks.push({
        says: `RDS instance ${instance} is looked at`,
        async hold() {
          return (await harness.perform("check", "rds.check", { ...place, instance })).evidence.says;
        },
      });
    }
    return [
      ...looks,
      {
        says: "a record is changed in every name server, and changed back",
        changes: `${name} TXT: says "lifeboat contract", and then what it said before`,
        async hold(changes) {
          const was = await valuesNow();
          insist(was.length > 0, `${name} TXT is not visible in ${zone}`);
          insist(was.join() !== CONTRACT.join(), `${name} TXT says ${CONTRACT} already: an earlier run left it so`);
          const putBack = changes.until({
            left: `${name} TXT says ${CONTRACT}`,
            by: `give it back its ${was.length} values in zone ${zone}: ${was.join(" ")}`,
            back: () => restorer.perform("back", "route53.shift", record(CONTRACT, was)),
          });
          const there = await harness.perform("there", "route53.shift", record(was, CONTRACT));
          await putBack();
          const now = await valuesNow();
          insist([...now].sort().join() === [...was].sort().join(), `it says ${now.join(" ")}, not ${was.join(" ")}`);
          return `${there.evidence.says} It has its ${was.length} values again.`;
        },
      },
    ];
  },
};
