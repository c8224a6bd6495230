import { randomUUID } from "node:crypto";
import { createSearch } from "../../practice/targets/search/index.ts";
import { actionHarness } from "../support/action-harness.ts";
import { insist, type Target } from "./target.ts";

export const search: Target = {
  id: "search",
  title: "OpenSearch or Elasticsearch",
  settings: [
    { name: "OPENSEARCH_URL", says: "where the cluster answers" },
    { name: "SEARCH_CLUSTER_UUID", says: "cluster_uuid, as GET / says it" },
    { name: "SEARCH_USER", says: "a login", otherwise: "lifeboat" },
    { name: "SEARCH_PASSWORD", says: "its password" },
    { name: "SEARCH_INDEX", says: "an index to look at" },
  ],
  mayChange: {
    is: "a snapshot repository",
    does: "gets one snapshot of that index, called lifeboat-contract-lifeboat-…, which stays there",
  },
  async standIn() {
    const stand = await createSearch({ clusters: ["contract"] });
    const cluster = stand.cluster("contract");
    cluster.addIndex("packages", [{ n: 1 }, { n: 2 }]);
    return {
      environment: {
        OPENSEARCH_URL: cluster.url,
        SEARCH_CLUSTER_UUID: cluster.state.uuid,
        SEARCH_USER: cluster.login.user,
        SEARCH_PASSWORD: cluster.login.password,
        SEARCH_INDEX: "packages",
      },
      mayChange: "backups",
      stop: () => stand.close(),
    };
  },
  deals({ setting, environment, practice, mayChange, signal }) {
    const harness = actionHarness({ ...environment }, { practice, signal });
    const cluster = {
      name: "contract",
      url: setting("OPENSEARCH_URL"),
      clusterUuid: setting("SEARCH_CLUSTER_UUID"),
      login: { user: setting("SEARCH_USER"), passwordFrom: "SEARCH_PASSWORD" },
    };
    const indices = [setting("SEARCH_INDEX")];
    const repository = mayChange ?? "lifeboat-is-not-here";
    const pollSeconds = practice ? 0.05 : 2;
    return [
      {
        says: "it answers and is looked at",
        async hold() {
          const { checks } = await harness.look("search.check", { cluster, repository, indices });
          const answers = checks[0];
          insist(answers?.ok === true, answers?.says ?? "nothing was said");
          return checks.map(({ says }) => says).join(" ");
        },
      },
      {
        says: "another cluster at that address is refused",
        async hold() {
          const other = { ...cluster, clusterUuid: randomUUID() };
          const { checks } = await harness.look("search.check", { cluster: other, repository, indices });
          insist(checks[0]?.ok === false, "it was taken for the right one");
          return checks[0]?.says ?? "";
        },
      },
      {
        says: "one snapshot is made, complete, and found young enough to go back to",
        changes: `${repository}: one snapshot of ${indices.join()} more, which stays`,
        async hold() {
          const given = { cluster, repository, indices, name: "lifeboat-contract", pollSeconds };
          const { facts } = await harness.look("search.snapshot", given);
          insist(facts[`count:${indices.join()}`] !== 0, `${indices.join()} holds no document: that proves nothing`);
          const made = await harness.perform("snapshot", "search.snapshot", given);
          await harness.perform("check", "search.check", { cluster, repository, indices });
          return made.evidence.says;
        },
      },
    ];
  },
};
