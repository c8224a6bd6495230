import { join } from "node:path";
import { freePort } from "../../../src/lib/port.ts";
import { type Member, openFleet } from "../../environment/fleet.ts";
import { soon } from "../../environment/patience.ts";

export const RABBITMQ_PROGRAMS = ["rabbitmq-server", "epmd"] as const;
export const RABBITMQ_PACKAGES = ["rabbitmq-server"] as const;

const SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server";
export const USER = "lifeboat";

/** A RabbitMQ with its management interface, on loopback and free ports, from Debian's package. */
export interface PracticeRabbit {
  /** The management API. */
  readonly url: string;
  readonly port: number;
  readonly amqpPort: number;
  readonly password: string;
  readonly cluster: string;
  /** One request as its administrator; the answer as JSON, or null when there is none. */
  api(method: string, path: string, body?: unknown): Promise<unknown>;
  /** A broker whose disk is gone: every object of the virtual host is deleted. */
  forget(): Promise<void>;
  stop(): Promise<void>;
}

/** @throws LifeboatError `not-ready`. Takes about ten seconds: it is a whole Erlang. */
export async function startRabbit(): Promise<PracticeRabbit> {
  const fleet = await openFleet("rabbitmq");
  try {
    const [amqpPort, port, distribution, epmd] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const password = `practice-${port}`;
    const cluster = `practice-${port}`;
    await fleet.write("plugins", "[rabbitmq_management].\n");
    await fleet.write(
      "rabbitmq.conf",
      [
        `listeners.tcp.local = 127.0.0.1:${amqpPort}`,
        "management.tcp.ip = 127.0.0.1",
        `management.tcp.port = ${port}`,
        `default_user = ${USER}`,
        `default_pass = ${password}`,
        `cluster_name = ${cluster}`,
        "log.console = true",
        "log.file = false",
        "",
      ].join("\n"),
    );
    // Its own name server, in the foreground: the one RabbitMQ would start by itself outlives everything.
    const names: Member = await fleet.start("epmd", ["-port", String(epmd), "-address", "127.0.0.1"]);
    const surroundings = {
      // Its command line then names the folder, by which the fleet finds it; and no shell stays before it.
      HOME: `${fleet.folder}/.`,
      RUNNING_UNDER_SYSTEMD: 1,
      ERL_EPMD_PORT: epmd,
      ERL_EPMD_ADDRESS: "127.0.0.1",
      RABBITMQ_NODENAME: `practice-${port}@localhost`,
      RABBITMQ_DIST_PORT: distribution,
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
      RABBITMQ_MNESIA_BASE: join(fleet.folder, "mnesia"),
      RABBITMQ_LOG_BASE: fleet.folder,
      RABBITMQ_PID_FILE: join(fleet.folder, "pid"),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(fleet.folder, "plugins"),
      RABBITMQ_CONFIG_FILE: join(fleet.folder, "rabbitmq"),
    };
    if (!names.running) throw new Error("epmd did not stay");
    await fleet.start("env", [...Object.entries(surroundings).map(([key, value]) => `${key}=${value}`), SERVER]);
    const url = `http://127.0.0.1:${port}`;
    const api = async (method: string, path: string, body?: unknown): Promise<unknown> => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Basic ${Buffer.from(`${USER}:${password}`).toString("base64")}`,
          "content-type": "application/json",
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(5000),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return text === "" ? null : JSON.parse(text);
    };
    await soon("RabbitMQ answering", async () => ((await api("GET", "/api/overview")) as object) !== null);
    return {
      url,
      port,
      amqpPort,
      password,
      cluster,
      api,
      async forget() {
        await api("DELETE", "/api/vhosts/%2f");
        await api("PUT", "/api/vhosts/%2f");
        await api("PUT", `/api/permissions/%2f/${USER}`, { configure: ".*", write: ".*", read: ".*" });
        // A virtual host that was just made is not up at once, and its own check answers 500 until it is.
        await soon(
          "its virtual host being up",
          async () =>
            ((await api("GET", "/api/health/checks/virtual-hosts")) as { status?: string })?.status === "ok" &&
            (await api("GET", "/api/definitions/%2f")) !== null &&
            (await api("GET", "/api/queues/%2f")) !== null,
        );
      },
      stop: () => fleet.stop(),
    };
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}
