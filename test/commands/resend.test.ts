import { expect, test } from "@jest/globals";
import { idFor } from "../../src/lib/id-for.ts";
import type { Undelivered } from "../../templates/messages/comms/undelivered.ts";
import { storeForEach } from "../support/store-for-each.ts";
import { TestApp } from "../support/test-app.ts";

const here = { channel: "C0INCNIGHT" };

let app: TestApp;

storeForEach((fresh) => {
  app = new TestApp(fresh);
});

test("/dr status lists what is not delivered, and /dr resend tries it again", async () => {
  const incident = idFor("inc", "db");
  let failing: readonly Undelivered[] = [
    { sink: "email", key: "upd-1/email", tries: 1, says: "no such mailbox", givenUp: true },
  ];
  Object.assign(app.context, {
    deliveries: {
      undelivered: async (of: string) => (of === incident ? failing : []),
      async tryAgain(of: string) {
        const tried = of === incident ? failing.length : 0;
        failing = [];
        return tried;
      },
    },
  });
  await app.ask("alex", "failover database --planned", { key: "db", ...here });
  app.channels.set(incident, here.channel);
  const said = async (line: string) => JSON.stringify(await app.ask("sam", line, here));

  expect(await said("status")).toContain("• Mail `upd-1/email`: given up after 1 try. no such mailbox");
  expect(await said("resend")).toContain("Trying 1 delivery of");
  expect(await said("status")).not.toContain("Not delivered");
  expect(await said("resend")).toContain("is delivered or on its way");
});
