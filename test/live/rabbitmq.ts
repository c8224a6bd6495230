import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RABBITMQ_PACKAGES, RABBITMQ_PROGRAMS, startRabbit, USER } from "../../practice/targets/rabbitmq/index.ts";
import { actionHarness, blockedBy } from "../support/action-harness.ts";
import { insist, type Target } from "./target.ts";

const QUEUE = "lifeboat-contract";

export const rabbitmq: Target = {
  id: "rabbitmq",
  title: "RabbitMQ",
  settings: [
    { name: "RABBITMQ_URL", says: "its management API: https://rabbit.example.com:15671" },
    { name: "RABBITMQ_CLUSTER", says: "its cluster's name, as rabbitmqctl cluster_status says it" },
    { name: "RABBITMQ_USER", says: "an administrator of it", otherwise: "lifeboat" },
    { name: "RABBITMQ_PASSWORD", says: "that user's password" },
    { name: "RABBITMQ_VHOST", says: "the virtual host to look at", otherwise: "/" },
  ],
  mayChange: {
    is: "that virtual host",
    does: `gets its own definitions back and one queue more, ${QUEUE}, which is deleted again while it is empty`,
  },
  needs: { programs: RABBITMQ_PROGRAMS, packages: RABBITMQ_PACKAGES },
  async standIn() {
    const rabbit = await startRabbit();
    await rabbit.api("PUT", "/api/queues/%2f/orders", { durable: true });
    return {
      environment: {
        RABBITMQ_URL: rabbit.url,
        RABBITMQ_CLUSTER: rabbit.cluster,
        RABBITMQ_USER: USER,
        RABBITMQ_PASSWORD: rabbit.password,
      },
      mayChange: "/",
      stop: () => rabbit.stop(),
    };
  },
  deals({ setting, environment, practice, mayChange, signal }) {
    const harness = actionHarness({ ...environment }, { practice, signal });
    const vhost = setting("RABBITMQ_VHOST");
    const login = { user: setting("RABBITMQ_USER"), passwordFrom: "RABBITMQ_PASSWORD" };
    const broker = { url: setting("RABBITMQ_URL"), login, cluster: setting("RABBITMQ_CLUSTER") };
    /** Definitions hold hashes of passwords: they are gone when the deal is over. */
    const exported = async <T>(work: (file: string, says: string) => Promise<T>): Promise<T> => {
      const folder = await mkdtemp(join(tmpdir(), "lifeboat-definitions-"));
      try {
        const file = join(folder, "definitions.json");
        const { evidence } = await harness.perform("export", "rabbitmq.export", { broker, vhost, file });
        return await work(file, evidence.says);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    };
    const deleteQueue = async () => {
      const path = `/api/queues/${encodeURIComponent(vhost)}/${QUEUE}?if-empty=true&if-unused=true`;
      const basic = Buffer.from(`${login.user}:${setting("RABBITMQ_PASSWORD")}`).toString("base64");
      const given = { method: "DELETE", headers: { authorization: `Basic ${basic}` } };
      const { status } = await fetch(new URL(path, broker.url), { ...given, signal: AbortSignal.timeout(10_000) });
      insist(status === 204 || status === 404, `queue ${QUEUE} stays: the broker answered ${status}`);
    };
    return [
      {
        says: "it answers, and is well by its own account",
        async hold() {
          return (await harness.perform("check", "rabbitmq.check", { broker, vhost })).evidence.says;
        },
      },
      {
        says: "a broker of another name at that address is refused",
        async hold() {
          const other = { ...broker, cluster: `${broker.cluster}-not` };
          const { checks } = await harness.look("rabbitmq.check", { broker: other, vhost });
          insist(blockedBy(checks).join() === "broker.answers", "it was taken for the right one");
          return checks[0]?.says ?? "";
        },
      },
      {
        says: "what it has goes into a file, and nothing of the file is then missing in it",
        async hold() {
          return await exported(async (file, says) => {
            const { done, facts } = await harness.look("rabbitmq.import", { broker, vhost, file });
            insist(done === "yes", `an import would not be a matter of course: ${facts.missing} are missing`);
            return says;
          });
        },
      },
      {
        says: "a queue that only the file knows is brought in, beside what is there",
        changes: `${vhost}: its own definitions imported with a queue ${QUEUE} more, and that queue deleted`,
        async hold(changes) {
          insist(mayChange === vhost, `--may-change says ${mayChange}, and the virtual host is ${vhost}`);
          return await exported(async (file) => {
            const definitions = JSON.parse(await readFile(file, "utf8")) as { queues: { name: string }[] };
            insist(!definitions.queues.some(({ name }) => name === QUEUE), `there is a queue ${QUEUE} already`);
            const more = { name: QUEUE, durable: true, auto_delete: false, arguments: { "x-queue-type": "classic" } };
            const queues = [...definitions.queues, more];
            await writeFile(file, JSON.stringify({ ...definitions, queues }));
            const putBack = changes.until({
              left: `${vhost} has a queue ${QUEUE}`,
              by: `rabbitmqctl delete_queue -p ${vhost} ${QUEUE} --if-empty`,
              back: deleteQueue,
            });
            const { evidence, applied } = await harness.perform("in", "rabbitmq.import", { broker, vhost, file });
            insist(applied, "nothing was sent");
            await putBack();
            return evidence.says;
          });
        },
      },
    ];
  },
};
