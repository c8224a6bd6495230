import { HAPROXY_PACKAGES, HAPROXY_PROGRAMS } from "../../practice/targets/haproxy/index.ts";
import { openFront } from "../actions/haproxy/failure-cases.ts";
import { actionHarness, blockedBy } from "../support/action-harness.ts";
import { insist, type Target } from "./target.ts";

export const haproxy: Target = {
  id: "haproxy",
  title: "HAProxy",
  settings: [
    { name: "HAPROXY_SOCKET", says: "its runtime API: /run/haproxy/admin.sock, or host:port of this machine" },
    { name: "HAPROXY_NODE", says: "what show info calls node" },
    { name: "HAPROXY_SERVER", says: "a server of it: web/app-2" },
  ],
  mayChange: {
    is: "that server",
    does: "goes into maintenance and is then as before; its backend has to keep another",
  },
  needs: { programs: HAPROXY_PROGRAMS, packages: HAPROXY_PACKAGES },
  async standIn() {
    const front = await openFront();
    const ready = { servers: [{ backend: "web", server: "green", state: "ready" }], probe: undefined };
    await actionHarness({}).perform("both", "haproxy.set_server", front.lead("green", ready));
    return {
      environment: { HAPROXY_SOCKET: front.haproxy.socket, HAPROXY_NODE: "practice", HAPROXY_SERVER: "web/green" },
      mayChange: "web/green",
      stop: () => front.close(),
    };
  },
  deals({ setting, practice, mayChange, signal }) {
    const harness = actionHarness({}, { practice, signal });
    const restorer = actionHarness({}, { practice });
    const place = setting("HAPROXY_SOCKET");
    const [, host, port] = /^([^/]+):(\d+)$/.exec(place) ?? [];
    const target = { ...(host ? { host, port: Number(port) } : { socket: place }), node: setting("HAPROXY_NODE") };
    const ref = setting("HAPROXY_SERVER");
    const [backend = "", server = ""] = ref.split("/");
    const given = (state: string, more: object = {}) => ({
      haproxy: target,
      servers: [{ backend, server, state }],
      ...more,
    });
    return [
      {
        says: "it answers, and has the server",
        async hold() {
          const { checks, facts } = await harness.look("haproxy.set_server", given("ready"));
          insist(blockedBy(checks).length === 0, checks.map(({ says }) => says).join(" "));
          return `${checks.map(({ says }) => says).join(" ")} ${ref} is ${facts[`state:${ref}`]}.`;
        },
      },
      {
        says: "another HAProxy at that place is refused",
        async hold() {
          const other = given("ready", { haproxy: { ...target, node: "lifeboat-is-not-here" } });
          const { checks } = await harness.look("haproxy.set_server", other);
          insist(blockedBy(checks).join() === "haproxy.answers", "it was taken for the right one");
          return checks[0]?.says ?? "";
        },
      },
      {
        says: "a server that is not there is missed by name",
        async hold() {
          const noOne = given("ready", { servers: [{ backend, server: "lifeboat-is-not-here", state: "ready" }] });
          const { checks } = await harness.look("haproxy.set_server", noOne);
          insist(blockedBy(checks).includes("servers.present"), "it was not missed");
          return checks.find(({ id }) => id === "servers.present")?.says ?? "";
        },
      },
      {
        says: "the server goes out of use, and is then as it was",
        changes: `${ref}: maintenance, and back`,
        async hold(changes) {
          insist(mayChange === ref, `--may-change says ${mayChange}, and the server is ${ref}`);
          const { facts } = await harness.look("haproxy.set_server", given("maint"));
          const was = String(facts[`state:${ref}`]);
          insist(was !== "maint", `${ref} is in maintenance already`);
          const putBack = changes.until({
            left: `${ref} is in maintenance`,
            by: `echo "set server ${ref} state ${was}" | socat stdio ${place}`,
            back: () => restorer.perform("back", "haproxy.set_server", given(was)),
          });
          const { evidence } = await harness.perform("out", "haproxy.set_server", given("maint"));
          await putBack();
          return evidence.says;
        },
      },
    ];
  },
};
