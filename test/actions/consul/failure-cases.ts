import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Consul, createConsul } from "../../../practice/targets/consul/index.ts";
import { labelOf } from "../../../src/actions/consul/archive.ts";
import { actionHarness } from "../../support/action-harness.ts";
import type { FailureSuite } from "../../support/failure-case.ts";
import { over, type StandInFixture } from "../with-faults.ts";

export type ConsulFixture = Consul & StandInFixture;
export const shared = { folder: "" };

export async function begin(version?: string): Promise<ConsulFixture> {
  const consul = await createConsul({ scale: 0.02, ...(version ? { version } : {}) });
  return { ...consul, secrets: { CONSUL_TOKEN: consul.token } };
}
export const clusterOf = (consul: Consul, datacenter = "dc1") => ({
  name: "erp",
  url: consul.url,
  datacenter,
  tokenFrom: "CONSUL_TOKEN",
});
export const fill = (consul: Consul) => {
  consul.state.kv.set("erp/flags", "on").set("erp/limits", "5");
  consul.state.services.set("auth", ["v2"]).set("gateway", []);
};
/** A snapshot of a full one, made through the action itself. */
export async function saved(): Promise<string> {
  const full = await begin();
  try {
    fill(full);
    const file = join(shared.folder, `${Math.random()}.snap`);
    await actionHarness({ ...full.secrets }).perform("save", "consul.snapshot", { cluster: clusterOf(full), file });
    return file;
  } finally {
    await full.close();
  }
}

const restore = over<ConsulFixture & { readonly file: string }>({
  action: "consul.restore",
  operation: "SnapshotRestore",
  create: async () => ({ ...(await begin()), file: await saved() }),
  input: (consul) => ({ cluster: clusterOf(consul), file: consul.file, pollSeconds: 0.02 }),
  holds: ({ state }) => state.services.has("gateway") && state.kv.get("erp/limits") === "5",
  byHand: fill,
  wrong: ({ state }) => void state.kv.set("somebody", "was here"),
  other: (consul) => void Object.assign(consul.state, { datacenter: "dc2" }),
});

const snapshot = over<ConsulFixture & { readonly file: string }>({
  action: "consul.snapshot",
  operation: "SnapshotSave",
  reads: true,
  absolute: "a snapshot changes nothing in Consul, and its file is replaced by one rename",
  async create() {
    const consul = await begin();
    fill(consul);
    return { ...consul, file: join(shared.folder, `${Math.random()}.snap`) };
  },
  input: (consul) => ({ cluster: clusterOf(consul), file: consul.file }),
  holds: ({ file }) => existsSync(file) && existsSync(labelOf(file)),
  wrong: ({ state }) => void Object.assign(state, { leader: "" }),
  other: (consul) => void Object.assign(consul.state, { datacenter: "dc2" }),
  instead: {
    "done by hand": "a file made by somebody else has no label of ours, and is replaced as the input says",
  },
});

export const suite: FailureSuite = {
  async open() {
    shared.folder = await mkdtemp(join(tmpdir(), "lifeboat-consul-"));
  },
  close: () => rm(shared.folder, { recursive: true, force: true }),
  cases: [restore, snapshot],
};
