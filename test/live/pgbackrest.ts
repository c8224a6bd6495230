import { openFleet } from "../../practice/environment/fleet.ts";
import {
  createRepository,
  firstBackup,
  PGBACKREST_PACKAGES,
  PGBACKREST_PROGRAMS,
} from "../../practice/targets/pgbackrest/index.ts";
import { actionHarness, blockedBy } from "../support/action-harness.ts";
import { type Given, insist, type Target } from "./target.ts";

export const pgbackrest: Target = {
  id: "pgbackrest",
  title: "a pgBackRest repository",
  settings: [
    { name: "PGBACKREST_STANZA", says: "the stanza" },
    { name: "PGBACKREST_DATA", says: "PostgreSQL's data folder on its host" },
    { name: "PGBACKREST_CONFIG", says: "pgBackRest's configuration, if not where packages put it", otherwise: "" },
    { name: "PGBACKREST_RUN_AS", says: "whose account it runs under, if not ours: postgres", otherwise: "" },
    { name: "PGBACKREST_SSH", says: "the host, if not this one: lifeboat@db-a.example.com:22", otherwise: "" },
    { name: "PGBACKREST_SSH_IDENTITY", says: "the private key's file", otherwise: "" },
    { name: "PGBACKREST_SSH_KNOWN_HOSTS", says: "the known hosts' file", otherwise: "" },
  ],
  mayChange: { is: "that stanza", does: "gets one incremental backup, which stays until its retention ends" },
  needs: { programs: PGBACKREST_PROGRAMS, packages: PGBACKREST_PACKAGES },
  async standIn() {
    const fleet = await openFleet("pgbackrest");
    const repository = await createRepository(fleet, { owner: "owner", replicator: "r" }, "contract");
    const host = await repository.host("contract-a");
    await host.create();
    await host.start();
    await firstBackup(host);
    const { stanza, data, config, runAs } = host.input;
    return {
      environment: {
        PGBACKREST_STANZA: stanza,
        PGBACKREST_DATA: data,
        PGBACKREST_CONFIG: config,
        PGBACKREST_RUN_AS: runAs,
      },
      mayChange: stanza,
      async stop() {
        await host.kill();
        await fleet.stop();
      },
    };
  },
  deals(given) {
    const { setting, environment, practice, mayChange, signal } = given;
    const harness = actionHarness({ ...environment }, { practice, signal });
    const stanza = setting("PGBACKREST_STANZA");
    const host = { ...hostOf(given), stanza, data: setting("PGBACKREST_DATA") };
    return [
      {
        says: "there is a whole backup, and the log is archived",
        async hold() {
          // How old they may be is for the one who runs it: it is said, and decides nothing here.
          const { evidence } = await harness.perform("check", "pgbackrest.check", { host, mustBeFresh: false });
          return evidence.says;
        },
      },
      {
        says: "a stanza that is not there is refused",
        async hold() {
          const other = { ...host, stanza: "lifeboat-is-not-here" };
          const { checks } = await harness.look("pgbackrest.check", { host: other });
          insist(blockedBy(checks).length > 0, "it was taken for one that is");
          return checks[0]?.says ?? "";
        },
      },
      {
        says: "every file of the repository is as it was written; reading all of a large one takes its time",
        async hold() {
          return (await harness.perform("verify", "pgbackrest.verify", { host })).evidence.says;
        },
      },
      {
        says: "an incremental backup is made, and found in the repository",
        changes: `${stanza}: one incremental backup`,
        async hold() {
          insist(mayChange === stanza, `--may-change says ${mayChange}, and the stanza is ${stanza}`);
          const { evidence, applied } = await harness.perform("backup", "pgbackrest.backup", { host, type: "incr" });
          insist(applied, "nothing was made");
          return evidence.says;
        },
      },
    ];
  },
};

function hostOf({ optional, setting }: Given) {
  const config = optional("PGBACKREST_CONFIG");
  const runAs = optional("PGBACKREST_RUN_AS");
  const own = { ...(config === "" ? {} : { config }), ...(runAs === "" ? {} : { runAs }) };
  if (optional("PGBACKREST_SSH") === "") return { name: "here", ...own };
  const { hostname, port, username: user } = new URL(`ssh://${setting("PGBACKREST_SSH")}`);
  const identity = setting("PGBACKREST_SSH_IDENTITY");
  const knownHosts = setting("PGBACKREST_SSH_KNOWN_HOSTS");
  return { name: hostname, ssh: { user, host: hostname, port: Number(port || 22), identity, knownHosts }, ...own };
}
