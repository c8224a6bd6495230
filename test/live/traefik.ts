import { openTraefik, suite } from "../actions/traefik/failure-cases.ts";
import { actionHarness, blockedBy } from "../support/action-harness.ts";
import { insist, type Target } from "./target.ts";

const NOWHERE = "http://127.0.0.1:1";

export const traefik: Target = {
  id: "traefik",
  title: "Traefik and the file it watches",
  settings: [
    { name: "TRAEFIK_API", says: "its API: https://traefik.example.com" },
    { name: "TRAEFIK_FILE", says: "the file of its file provider, as this machine sees it" },
    { name: "TRAEFIK_SERVICE", says: "a service of that file with servers of its own" },
    { name: "TRAEFIK_TO", says: "servers it can lead to as well: http://10.0.0.6:8080,…" },
    { name: "TRAEFIK_HEALTH", says: "a path those servers answer with 200", otherwise: "/" },
    { name: "TRAEFIK_PROBE", says: "an address that leads to the service through Traefik, and answers with 200" },
    { name: "TRAEFIK_USER", says: "user of its API", otherwise: "" },
    { name: "TRAEFIK_PASSWORD", says: "that user's password", otherwise: "" },
  ],
  mayChange: { is: "that service", does: "leads to TRAEFIK_TO and back: the file is written twice, its comments stay" },
  async standIn() {
    await suite.open?.();
    const stand = await openTraefik();
    const { to } = stand.given() as unknown as { to: { servers: readonly string[] } };
    return {
      environment: {
        TRAEFIK_API: stand.traefik.api,
        TRAEFIK_FILE: stand.file,
        TRAEFIK_SERVICE: "shop",
        TRAEFIK_TO: to.servers.join(),
        TRAEFIK_PROBE: stand.traefik.url,
      },
      mayChange: "shop",
      async stop() {
        await stand.close();
        await suite.close?.();
      },
    };
  },
  deals({ setting, optional, environment, practice, mayChange, signal }) {
    const harness = actionHarness({ ...environment }, { practice, signal });
    const restorer = actionHarness({ ...environment }, { practice });
    const service = setting("TRAEFIK_SERVICE");
    const user = optional("TRAEFIK_USER");
    /** Each server is asked by itself before anything is led there. */
    const to = (servers: readonly string[], more: object = {}) => ({
      file: setting("TRAEFIK_FILE"),
      api: setting("TRAEFIK_API"),
      ...(user === "" ? {} : { login: { user, passwordFrom: "TRAEFIK_PASSWORD" } }),
      service,
      to: { servers },
      target: servers.map((server) => ({ url: new URL(setting("TRAEFIK_HEALTH"), server).href })),
      probe: { url: setting("TRAEFIK_PROBE") },
      ...more,
    });
    const others = setting("TRAEFIK_TO").split(",");
    const leadsTo = async () => String((await harness.look("traefik.switch", to(others))).facts.lead);
    return [
      {
        says: "the file and the API say where the service leads, and the other servers answer by themselves",
        async hold() {
          const { checks } = await harness.look("traefik.switch", to(others));
          insist(blockedBy(checks).length === 0, checks.map(({ says }) => says).join(" "));
          return checks.map(({ says }) => says).join(" ");
        },
      },
      {
        says: "a service the file does not have is refused",
        async hold() {
          const given = to(others, { service: "lifeboat-is-not-here" });
          const { checks } = await harness.look("traefik.switch", given);
          insist(blockedBy(checks).join() === "service.present", `blocked by ${blockedBy(checks).join() || "nothing"}`);
          return checks.find(({ id }) => id === "service.present")?.says ?? "";
        },
      },
      {
        says: "servers that do not answer by themselves are refused",
        async hold() {
          const { checks } = await harness.look("traefik.switch", to([NOWHERE]));
          insist(blockedBy(checks).join() === "target.answers", `blocked by ${blockedBy(checks).join() || "nothing"}`);
          return checks.find(({ id }) => id === "target.answers")?.says ?? "";
        },
      },
      {
        says: "it leads to the other servers, answers through Traefik, and then leads to the first again",
        changes: `${service}: to ${others.join(", ")}, and back`,
        async hold(changes) {
          insist(mayChange === service, `--may-change says ${mayChange}, and the service is ${service}`);
          const before = await leadsTo();
          const home = before.split(", ");
          insist(home.join() !== others.join(), "TRAEFIK_TO is where it leads already");
          const putBack = changes.until({
            left: `${service} leads to ${others.join(", ")}`,
            by: `make ${service} lead to ${before} in ${setting("TRAEFIK_FILE")}`,
            back: () => restorer.perform("back", "traefik.switch", to(home)),
          });
          const { evidence } = await harness.perform("there", "traefik.switch", to(others));
          await putBack();
          insist((await leadsTo()) === before, `it leads to ${await leadsTo()}`);
          return evidence.says;
        },
      },
    ];
  },
};
