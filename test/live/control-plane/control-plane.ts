import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Api, apiAt } from "./api.ts";

/** Commands of the real programs; none of Kubernetes' is brought by this repository or by Debian. */
export interface Programs {
  readonly etcd: Command;
  readonly apiServer: Command;
  /** Null: the API server alone. What no controller does, stays undone. */
  readonly controllers: { readonly manager: Command; readonly scheduler: Command } | null;
}

/** A program and what comes before its own arguments, such as `["/opt/kube", "kube-scheduler"]`. */
export type Command = readonly [string, ...string[]];

/**
 * Of `ETCD` (or the `PATH`), `KUBE_APISERVER`, and both or none of `KUBE_CONTROLLER_MANAGER` and `KUBE_SCHEDULER`: each a path, and after it, between
 * spaces, what comes first of its arguments.
 */
export function programsOf(environment: Readonly<Record<string, string | undefined>>): Programs {
  const command = (name: string, otherwise?: string): Command | null => {
    const [program, ...args] = (environment[name] ?? otherwise ?? "").split(" ").filter(Boolean);
    return program === undefined ? null : [program, ...args];
  };
  const etcd = command("ETCD", "etcd");
  const apiServer = command("KUBE_APISERVER");
  const manager = command("KUBE_CONTROLLER_MANAGER");
  const scheduler = command("KUBE_SCHEDULER");
  if (etcd === null || apiServer === null) throw new Error("KUBE_APISERVER: the path of a kube-apiserver");
  if ((manager === null) !== (scheduler === null))
    throw new Error("KUBE_CONTROLLER_MANAGER and KUBE_SCHEDULER: both or none");
  return { etcd, apiServer, controllers: manager && scheduler && { manager, scheduler } };
}

export interface ControlPlane {
  readonly api: Api;
  /** Path of a kubeconfig whose login may do everything. */
  readonly kubeconfig: string;
  readonly context: string;
  /** Uid of `kube-system`. */
  readonly uid: string;
  stop(): Promise<void>;
}

const START_SECONDS = 240;
const CONTEXT = "real";

/**
 * Starts the real control plane of Kubernetes, on this machine's loopback only, with an etcd, certificates and keys of its own, all in one folder.
 * No kubelet: `nodes.ts` plays one.
 */
export async function startControlPlane(folder: string, programs: Programs): Promise<ControlPlane> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [etcd, peer, secure] = (await Promise.all([freePort(), freePort(), freePort()])) as [number, number, number];
  const running: Running[] = [];
  const stop = async () => {
    for (const one of running.reverse()) await one.stop();
  };
  const start = (name: string, command: Command, args: readonly string[]) =>
    running.push(run(folder, name, command, args));
  try {
    const token = randomBytes(24).toString("hex");
    const keys = await serviceAccountKeys(folder);
    await writeFile(join(folder, "tokens.csv"), `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
    start("etcd", programs.etcd, etcdArgs(folder, etcd, peer));
    start("kube-apiserver", programs.apiServer, apiServerArgs(folder, { etcd, secure, keys }));
    const ca = await soonRead(join(folder, "certificates", "apiserver.crt"), running);
    const url = `https://127.0.0.1:${secure}`;
    const api = apiAt(url, ca, token);
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, kubeconfigOf({ url, ca, token }), { mode: 0o600 });
    const uid = await until("the API server", running, async () => {
      await api.get("/readyz");
      return (await api.find<{ metadata: { uid: string } }>("/api/v1/namespaces/kube-system"))?.metadata.uid ?? null;
    });
    if (programs.controllers) {
      const { manager, scheduler } = programs.controllers;
      start("kube-controller-manager", manager, controllerArgs(folder, kubeconfig, keys));
      start("kube-scheduler", scheduler, ["--kubeconfig", kubeconfig, "--leader-elect=false", "--secure-port=0"]);
      await until("the controllers", running, () => api.find("/api/v1/namespaces/default/serviceaccounts/default"));
    }
    return {
      api,
      kubeconfig,
      context: CONTEXT,
      uid,
      async stop() {
        api.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A kubeconfig of one login; JSON is YAML. */
export function kubeconfigOf({ url, ca, token }: { url: string; ca: string; token: string }): string {
  const cluster = { server: url, "certificate-authority-data": Buffer.from(ca).toString("base64") };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: CONTEXT, cluster }],
    users: [{ name: "login", user: { token } }],
    contexts: [{ name: CONTEXT, context: { cluster: CONTEXT, user: "login" } }],
    "current-context": CONTEXT,
  });
}

function etcdArgs(folder: string, client: number, peer: number): readonly string[] {
  const [at, between] = [client, peer].map((port) => `http://127.0.0.1:${port}`);
  return [
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=${at}`,
    `--advertise-client-urls=${at}`,
    `--listen-peer-urls=${between}`,
    `--initial-advertise-peer-urls=${between}`,
    `--initial-cluster=default=${between}`,
    "--unsafe-no-fsync",
  ];
}

interface Keys {
  readonly secret: string;
  readonly open: string;
}

function apiServerArgs(folder: string, { etcd, secure, keys }: { etcd: number; secure: number; keys: Keys }) {
  return [
    `--etcd-servers=http://127.0.0.1:${etcd}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    `--secure-port=${secure}`,
    "--endpoint-reconciler-type=none",
    // It makes its own certificate there.
    `--cert-dir=${join(folder, "certificates")}`,
    `--token-auth-file=${join(folder, "tokens.csv")}`,
    "--authorization-mode=RBAC",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${keys.open}`,
    `--service-account-signing-key-file=${keys.secret}`,
    "--service-cluster-ip-range=10.96.0.0/16",
  ];
}

function controllerArgs(folder: string, kubeconfig: string, keys: Keys): readonly string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    "--leader-elect=false",
    "--secure-port=0",
    "--use-service-account-credentials=true",
    `--service-account-private-key-file=${keys.secret}`,
    `--root-ca-file=${join(folder, "certificates", "apiserver.crt")}`,
    "--horizontal-pod-autoscaler-sync-period=2s",
  ];
}

async function serviceAccountKeys(folder: string): Promise<Keys> {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const keys = { secret: join(folder, "service-accounts.key"), open: join(folder, "service-accounts.pub") };
  await writeFile(keys.secret, privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
  await writeFile(keys.open, publicKey.export({ type: "spki", format: "pem" }));
  return keys;
}

interface Running {
  readonly name: string;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

const STOP_MS = 10_000;

/** Its output goes to a file of its name in the folder. */
function run(folder: string, name: string, [program, ...first]: Command, args: readonly string[]): Running {
  const child = spawn(program, [...first, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const log = createWriteStream(join(folder, `${name}.log`), { mode: 0o600 });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const gone = new Promise<void>((resolve) => child.once("error", () => resolve()).once("exit", () => resolve()));
  return {
    name,
    child,
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await gone;
      clearTimeout(late);
    },
  };
}

async function until<T>(what: string, running: readonly Running[], look: () => Promise<T | null>): Promise<T> {
  const end = performance.now() + START_SECONDS * 1000;
  let last: unknown = null;
  while (performance.now() < end) {
    const ended = running.find(({ child }) => child.exitCode !== null || child.pid === undefined);
    if (ended) throw new Error(`${ended.name} ended: its log is in the folder`);
    try {
      const found = await look();
      if (found !== null) return found;
    } catch (error) {
      last = error;
    }
    await sleep(250);
  }
  throw new Error(`${what}: not there after ${START_SECONDS} s (${String(last)})`);
}

function soonRead(path: string, running: readonly Running[]): Promise<string> {
  return until(path, running, () => readFile(path, "utf8").then((text) => (text.includes("END") ? text : null)));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}
