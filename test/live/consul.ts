import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { createConsul } from "../../practice/targets/consul/index.ts";
import { actionHarness, blockedBy } from "../support/action-harness.ts";
import { insist, type Target } from "./target.ts";

const FILE = "lifeboat-contract.snap";

/** A restore replaces everything a datacenter knows, so it is held over the stand-in alone, by its own tests. */
export const consul: Target = {
  id: "consul",
  title: "Consul",
  settings: [
    { name: "CONSUL_HTTP_ADDR", says: "where its HTTP API answers: https://consul.example.com:8501" },
    { name: "CONSUL_HTTP_TOKEN", says: "a management token", otherwise: "" },
    { name: "CONSUL_DATACENTER", says: "the datacenter it has to be", otherwise: "dc1" },
  ],
  mayChange: {
    is: "a folder of this machine",
    does: `gets one snapshot, ${FILE}, with its label, which are deleted again; nothing changes in Consul, and nothing is ever restored`,
  },
  async standIn() {
    const stand = await createConsul();
    stand.state.services.set("auth", ["v2"]);
    stand.state.kv.set("shop/flags", "on");
    const folder = await mkdtemp(join(tmpdir(), "lifeboat-snapshots-"));
    return {
      environment: { CONSUL_HTTP_ADDR: stand.url, CONSUL_HTTP_TOKEN: stand.token },
      mayChange: folder,
      async stop() {
        await stand.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
  deals({ setting, optional, environment, practice, mayChange, signal }) {
    const harness = actionHarness({ ...environment }, { practice, signal });
    const address = setting("CONSUL_HTTP_ADDR");
    const cluster = {
      name: "contract",
      // Consul's own tools take an address without a scheme for plain HTTP.
      url: address.includes("://") ? address : `http://${address}`,
      datacenter: setting("CONSUL_DATACENTER"),
      ...(optional("CONSUL_HTTP_TOKEN") === "" ? {} : { tokenFrom: "CONSUL_HTTP_TOKEN" }),
    };
    return [
      {
        says: "it has a leader and servers enough",
        async hold() {
          const { evidence, facts } = await harness.perform("check", "consul.check", { cluster });
          return `${evidence.says} It may lose ${facts.failureTolerance} servers; failing: ${facts.critical || "none"}.`;
        },
      },
      {
        says: "another datacenter at that address is refused",
        async hold() {
          const other = { ...cluster, datacenter: `${cluster.datacenter}-not` };
          const { checks } = await harness.look("consul.check", { cluster: other });
          insist(blockedBy(checks).join() === "cluster.answers", "it was taken for the right one");
          return checks[0]?.says ?? "";
        },
      },
      {
        says: "a service that is not there is missed by name",
        async hold() {
          const given = { cluster, services: ["lifeboat-is-not-here"] };
          const { checks } = await harness.look("consul.check", given);
          insist(blockedBy(checks).includes("services.known"), "it was not missed");
          return checks.find(({ id }) => id === "services.known")?.says ?? "";
        },
      },
      {
        says: "all it knows goes into a file, which is whole and its owner's alone",
        changes: `${mayChange}: ${FILE} and its label, and both deleted`,
        async hold(changes) {
          const folder = mayChange ?? "";
          insist(isAbsolute(folder), `${folder} is no absolute path of a folder`);
          const made = async () => (await readdir(folder)).filter((name) => name.startsWith(FILE));
          insist((await made()).length === 0, `${folder} holds ${FILE} already`);
          const file = join(folder, FILE);
          const putBack = changes.until({
            left: `${folder} holds ${FILE}, which has all that Consul knows`,
            by: `rm ${file}*`,
            back: async () => Promise.all((await made()).map((name) => rm(join(folder, name)))),
          });
          const { evidence, facts } = await harness.perform("snapshot", "consul.snapshot", { cluster, file });
          insist(((await stat(file)).mode & 0o077) === 0, "others may read it");
          insist(facts.keys !== 0 || facts.services !== 0, "Consul knows nothing: that proves nothing");
          await putBack();
          return evidence.says;
        },
      },
    ];
  },
};
