import { connect } from "node:net";
import { freePort } from "../../../src/lib/port.ts";
import { type Fleet, type Member, openFleet } from "../../environment/fleet.ts";
import { PATIENCE_SECONDS, soon, within } from "../../environment/patience.ts";

export const REDIS_PROGRAMS = ["redis-server", "redis-sentinel"] as const;
export const REDIS_PACKAGES = ["redis-server", "redis-sentinel"] as const;

/** Three data nodes and three Sentinels, on loopback and free ports. */
export interface RedisGroup {
  readonly master: string;
  readonly nodes: readonly RedisNode[];
  readonly sentinels: readonly RedisNode[];
  /** A node that follows no one and that no Sentinel watches. */
  alone(follows?: RedisNode): Promise<RedisNode>;
  /** Starts again whatever is not running: each with its own port and, a Sentinel, with what it wrote down. */
  restart(): Promise<void>;
  /** Waits until every Sentinel knows the whole set and nothing is going on. */
  settled(seconds?: number): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisNode {
  readonly name: string;
  readonly port: number;
  readonly member: Member;
  /** One command over a connection of its own; the answer as the server wrote it. For looking and for doing by hand. */
  raw(...words: readonly string[]): Promise<string>;
}

export interface RedisOptions {
  /** Long, so that Sentinels on a busy machine do not fail over by themselves in the middle of a test. */
  readonly downAfterMilliseconds?: number;
  /** How many data nodes; three if left out. */
  readonly nodes?: number;
  /** What the Sentinels call the set; `practice` if left out. */
  readonly master?: string;
  /** Asked of every client. Sentinels of another place, that do not know it, can't lead these nodes. */
  readonly password?: string;
  /** What nodes follow each other with: the same in every place that replicates with this one. Needs `password`. */
  readonly replicationPassword?: string;
  /** All of them follow this master of another place, and the Sentinels watch nothing. */
  readonly standbyOf?: RedisNode;
}

/** @throws LifeboatError `not-ready`; what the programs said is in their logs until the folder is removed */
export async function startRedis(options: RedisOptions = {}): Promise<RedisGroup> {
  const fleet = await openFleet("redis");
  try {
    return await build(fleet, options);
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}

async function build(fleet: Fleet, options: RedisOptions): Promise<RedisGroup> {
  const { downAfterMilliseconds = 15_000, nodes: count = 3, master = "practice", password, standbyOf } = options;
  const access: Access = { password, replicationPassword: options.replicationPassword };
  const first = await startRedisNode(fleet, "redis-1", standbyOf, undefined, access);
  const nodes: (RedisNode & { member: Member })[] = [first];
  for (let n = 2; n <= count; n++)
    nodes.push(await startRedisNode(fleet, `redis-${n}`, standbyOf ?? first, undefined, access));
  // Replicas first: a Sentinel asks a master for its replicas at once, and then only every ten seconds.
  await soon("All replicas online", async () => {
    if (standbyOf !== undefined) {
      const said = await Promise.all(nodes.map((one) => one.raw("INFO", "replication")));
      return said.every((text) => text.includes("master_link_status:up"));
    }
    const said = await first.raw("INFO", "replication");
    return (said.match(/state=online/g) ?? []).length === count - 1;
  });
  const watch = [
    `sentinel monitor ${master} 127.0.0.1 ${first.port} 2`,
    `sentinel down-after-milliseconds ${master} ${downAfterMilliseconds}`,
    `sentinel failover-timeout ${master} 10000`,
    `sentinel parallel-syncs ${master} 2`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${master} ${password}`]),
  ];
  const sentinels: (RedisNode & { member: Member; readonly file: string })[] = [];
  for (const n of [1, 2, 3]) {
    const port = await freePort();
    const file = await fleet.write(
      `sentinel-${n}.conf`,
      [`port ${port}`, "bind 127.0.0.1", `dir ${fleet.folder}`, ...(standbyOf === undefined ? watch : []), ""].join(
        "\n",
      ),
    );
    sentinels.push({ ...node(`sentinel-${n}`, port, await fleet.start("redis-sentinel", [file])), file });
  }
  const environment: RedisGroup = {
    master,
    nodes,
    sentinels,
    alone: (follows) =>
      startRedisNode(fleet, `redis-${Math.random().toString(36).slice(2, 8)}`, follows, undefined, access),
    async restart() {
      for (const one of nodes) {
        if (one.member.running) continue;
        one.member = (
          await startRedisNode(fleet, one.name, one === first ? undefined : first, one.port, access)
        ).member;
      }
      for (const one of sentinels)
        if (!one.member.running) one.member = await fleet.start("redis-sentinel", [one.file]);
    },
    async settled(seconds = PATIENCE_SECONDS) {
      await within(seconds, "Every Sentinel knowing the whole set", async () => {
        const said = await Promise.all(sentinels.map((one) => one.raw("SENTINEL", "MASTER", master)));
        const quorum = await Promise.all(sentinels.map((one) => one.raw("SENTINEL", "CKQUORUM", master)));
        const masters = new Set(said.map((text) => field(text, "port")));
        return (
          masters.size === 1 &&
          quorum.every((text) => text.startsWith("+OK")) &&
          said.every(
            (text) =>
              field(text, "flags") === "master" &&
              field(text, "num-other-sentinels") === "2" &&
              Number(field(text, "num-slaves")) >= count - 1,
          )
        );
      });
    },
    stop: () => fleet.stop(),
  };
  if (standbyOf === undefined) await environment.settled();
  return environment;
}

interface Access {
  readonly password?: string | undefined;
  readonly replicationPassword?: string | undefined;
}

/** One server of its own, that no one watches. */
export async function startRedisNode(
  fleet: Fleet,
  name: string,
  follows?: RedisNode,
  port?: number,
  access: Access = {},
): Promise<RedisNode> {
  return await startNode(fleet, name, follows, port ?? (await freePort()), access);
}

async function startNode(
  fleet: Fleet,
  name: string,
  follows: RedisNode | undefined,
  port: number,
  { password, replicationPassword: shared }: Access,
): Promise<RedisNode> {
  const member = await fleet.start("redis-server", [
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", fleet.folder, "--dbfilename", `${name}.rdb`],
    ...["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0", "--repl-backlog-size", "16mb"],
    ...(follows ? ["--replicaof", "127.0.0.1", String(follows.port)] : []),
    ...(password === undefined ? [] : ["--requirepass", password]),
    ...(shared === undefined
      ? []
      : [
          "--masteruser",
          "replicator",
          "--masterauth",
          shared,
          "--user",
          "replicator",
          "on",
          `>${shared}`,
          ...REPLICATES,
        ]),
  ]);
  const started = node(name, port, member, password);
  await soon(`${name} answering`, async () => (await started.raw("PING")) === "+PONG\r\n");
  return started;
}

const REPLICATES = ["+psync", "+replconf", "+ping"] as const;

function node(name: string, port: number, member: Member, password?: string): RedisNode {
  return { name, port, member, raw: (...words) => ask(port, words, password) };
}

function ask(port: number, words: readonly string[], password?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let said = "";
    socket.setTimeout(2000, () => socket.destroy(new Error(`${words[0]} had no answer within 2 s`)));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`${words[0]} was cut off`)));
    socket.on("data", (chunk) => {
      said += chunk.toString("latin1");
      const begins = password === undefined ? 0 : endOfReply(said, 0);
      if (begins === null || endOfReply(said, begins) === null) return;
      resolve(said.slice(begins));
      socket.destroy();
    });
    const command = (all: readonly string[]) =>
      `*${all.length}\r\n${all.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
    const login = password === undefined ? "" : command(["AUTH", password]);
    socket.on("connect", () => socket.write(`${login}${command(words)}`));
  });
}

/** Where one RESP2 reply that begins at `from` ends, or null while it is not all there. */
function endOfReply(said: string, from: number): number | null {
  const line = said.indexOf("\r\n", from);
  if (line < 0) return null;
  const count = Number(said.slice(from + 1, line));
  const after = line + 2;
  if (said[from] === "$") return count < 0 ? after : after + count + 2 <= said.length ? after + count + 2 : null;
  if (said[from] !== "*") return after;
  let at: number | null = after;
  for (let i = 0; i < count && at !== null; i++) at = endOfReply(said, at);
  return at;
}

/** The value after a name in the flat list of pairs a Sentinel answers. */
function field(said: string, name: string): string | undefined {
  const words = said.split("\r\n").filter((line) => !/^[$*]\d+$/.test(line));
  return words[words.indexOf(name) + 1];
}
