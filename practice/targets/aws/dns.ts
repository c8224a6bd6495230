import { createSocket, type Socket } from "node:dgram";
import type { AddressInfo } from "node:net";
import { fullName, isHealthy } from "./route53.ts";
import type { AwsState, RecordSet } from "./state.ts";

const TYPES: Readonly<Record<number, string>> = { 1: "A", 2: "NS", 5: "CNAME", 16: "TXT", 28: "AAAA" };
const REFUSED = 5;
const NO_SUCH_NAME = 3;

/** A name server on loopback. `port` is where it listens. */
export interface NameServer {
  readonly port: number;
  close(): Promise<void>;
}

interface Question {
  readonly id: Buffer;
  readonly name: string;
  readonly type: string;
  /** The question as it was asked, to be said again in the answer. */
  readonly raw: Buffer;
}

/** What Route 53's own servers answer: weights, failover and health decide which record sets count. */
export function serveZones(state: AwsState): Promise<NameServer> {
  return serve((question) => {
    const named = [...state.zones.values()].flatMap((zone) => zone.served).filter((set) => isNamed(set, question.name));
    if (named.length === 0) return { code: NO_SUCH_NAME, sets: [], authoritative: true };
    const fits = named.filter((set) => set.type === question.type || set.type === "CNAME");
    const set = chosen(state, fits);
    return { code: 0, sets: set ? [set] : [], authoritative: true };
  });
}

/** A resolver as people's providers run them: it asks once and keeps the answer for its TTL, counted on the scaled clock. */
export function serveResolver(state: AwsState): Promise<NameServer> {
  const kept = new Map<string, { sets: readonly RecordSet[]; code: number; until: number }>();
  return serve((question) => {
    const key = `${question.name} ${question.type}`;
    const old = kept.get(key);
    if (old && Date.now() < old.until) return { ...old, authoritative: false };
    const named = [...state.zones.values()].flatMap((zone) => zone.served).filter((set) => isNamed(set, question.name));
    const set = chosen(
      state,
      named.filter((one) => one.type === question.type || one.type === "CNAME"),
    );
    const sets = set ? [set] : [];
    const fresh = { sets, code: named.length === 0 ? NO_SUCH_NAME : 0 };
    kept.set(key, { ...fresh, until: Date.now() + (set?.ttl ?? 60) * 1000 * state.clock.scale });
    return { ...fresh, authoritative: false };
  });
}

function isNamed(set: RecordSet, name: string): boolean {
  return fullName(set.name) === name;
}

function chosen(state: AwsState, sets: readonly RecordSet[]): RecordSet | undefined {
  const healthy = (set: RecordSet) => {
    const check = set.healthCheck === undefined ? undefined : state.healthChecks.get(set.healthCheck);
    return check === undefined || isHealthy(state, check);
  };
  const primary = sets.find((set) => set.failover === "PRIMARY");
  if (primary) return healthy(primary) ? primary : (sets.find((set) => set.failover === "SECONDARY") ?? primary);
  const alive = sets.filter(healthy);
  const counted = alive.length > 0 ? alive : sets;
  const total = counted.reduce((sum, set) => sum + (set.weight ?? 1), 0);
  // All weights zero: Route 53 treats them as equal.
  if (total === 0) return counted[Math.floor(Math.random() * counted.length)];
  let at = Math.random() * total;
  return counted.find((set) => {
    at -= set.weight ?? 1;
    return at < 0;
  });
}

interface Reply {
  readonly code: number;
  readonly sets: readonly RecordSet[];
  readonly authoritative: boolean;
}

async function serve(answer: (question: Question) => Reply): Promise<NameServer> {
  const socket: Socket = createSocket("udp4");
  socket.on("message", (message, from) => {
    const question = read(message);
    const reply = question ? answer(question) : { code: REFUSED, sets: [], authoritative: false };
    if (question) socket.send(written(question, reply), from.port, from.address);
  });
  await new Promise<void>((open) => socket.bind(0, "127.0.0.1", open));
  return {
    port: (socket.address() as AddressInfo).port,
    close: () => new Promise((closed) => socket.close(() => closed())),
  };
}

function read(message: Buffer): Question | null {
  const labels: string[] = [];
  let at = 12;
  for (let size = message[at] ?? 0; size > 0; size = message[at] ?? 0) {
    labels.push(message.toString("latin1", at + 1, at + 1 + size));
    at += size + 1;
  }
  const type = TYPES[message.readUInt16BE(at + 1)];
  if (type === undefined || labels.length === 0) return null;
  const raw = message.subarray(12, at + 5);
  return { id: message.subarray(0, 2), name: fullName(labels.join(".")), type, raw };
}

function written(question: Question, { code, sets, authoritative }: Reply): Buffer {
  const records = sets.flatMap((set) => set.values.map((value) => recordBytes(set, value)));
  const head = Buffer.alloc(12);
  question.id.copy(head);
  // Answer, recursion asked for and available; authoritative where it is so.
  head.writeUInt16BE(0x8180 | (authoritative ? 0x0400 : 0) | code, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, question.raw, ...records]);
}

function recordBytes(set: RecordSet, value: string): Buffer {
  const data = dataOf(set.type, value);
  const head = Buffer.alloc(12);
  // A pointer to the name in the question.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(Number(Object.entries(TYPES).find(([, type]) => type === set.type)?.[0] ?? 1), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(set.ttl ?? 0, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function dataOf(type: string, value: string): Buffer {
  if (type === "A") return Buffer.from(value.split(".").map(Number));
  if (type === "AAAA") return v6(value);
  if (type === "TXT") {
    const text = value.replace(/^"|"$/g, "");
    return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")]);
  }
  const labels = value.replace(/\.$/, "").split(".");
  return Buffer.concat([
    ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
    Buffer.from([0]),
  ]);
}

function v6(value: string): Buffer {
  const [head = "", tail = ""] = value.split("::");
  const before = head.split(":").filter(Boolean);
  const after = tail.split(":").filter(Boolean);
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
}
