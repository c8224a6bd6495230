import { lookup } from "node:dns/promises";
import { isIP, isIPv6, type LookupFunction } from "node:net";
import { withDeadline } from "./deadline.ts";
import { LifeboatError } from "./errors.ts";

export type AddressKind = "loopback" | "linkLocal" | "metadata" | "unspecified" | "multicast" | "ordinary";

/** Instance metadata that does not sit on a link-local address: Alibaba, Oracle, Azure's wire server. */
const METADATA = new Set(["100.100.100.200", "192.0.0.192", "168.63.129.16"]);

/**
 * The same over IPv6, where each cloud has a prefix (the first 32 bits) of its own for all it answers there: AWS
 * (`fd00:ec2::254`, `::23` for pods), Google (`fd20:ce::254`), Oracle (`fd00:c1::a9fe:a9fe`).
 */
const METADATA_PREFIXES = new Set(["fd00:ec2", "fd20:ce", "fd00:c1"]);

const NONE = "0.0.0.0";

/** What an IP address is for, whichever way it is spelled: IPv4 inside IPv6 is judged as the IPv4 address it reaches. */
export function kindOfAddress(address: string): AddressKind {
  if (!isIPv6(address)) return kindOfV4(address);
  const groups = groupsOf(address);
  const embedded = embeddedV4(groups);
  const inner = (embedded.some((one) => one !== NONE) ? embedded.filter((one) => one !== NONE) : embedded).map(
    kindOfV4,
  );
  if (inner.length > 0) return inner.find((kind) => kind !== "ordinary") ?? "ordinary";
  const [first, second] = groups as [number, number];
  if (METADATA_PREFIXES.has(`${first.toString(16)}:${second.toString(16)}`)) return "metadata";
  if (groups.every((group, i) => group === (i === 7 ? 1 : 0))) return "loopback";
  if (groups.every((group) => group === 0)) return "unspecified";
  if ((first & 0xffc0) === 0xfe80) return "linkLocal";
  if ((first & 0xff00) === 0xff00) return "multicast";
  return "ordinary";
}

export interface AddressRule {
  /** True inside the practice workspace: nothing but loopback may be touched. */
  readonly practice: boolean;
  readonly signal?: AbortSignal;
  /** Seconds the name may take to resolve. */
  readonly seconds?: number;
}

/**
 * Resolves a host name and returns addresses that may be connected to; the caller connects to one of these, never to
 * the name again, so a name that answers differently the second time gains nothing. One forbidden address among several
 * refuses them all.
 */
export async function allowedAddresses(host: string, rule: AddressRule): Promise<readonly string[]> {
  const bare = host.replace(/^\[|\]$/g, "");
  const found = isIP(bare)
    ? [bare]
    : (
        await withDeadline(
          `Resolving ${bare}`,
          rule.seconds ?? 3,
          () => lookup(bare, { all: true, verbatim: true }),
          rule.signal,
        )
      ).map((answer) => answer.address);
  for (const address of found) refuseForbidden(bare, address, rule.practice);
  return found;
}

/**
 * For clients that resolve names themselves: a `lookup` as `net.connect` takes it, which answers with allowed addresses
 * only, so that what is connected to is what was judged.
 */
export function allowedLookup({ practice }: Pick<AddressRule, "practice">): LookupFunction {
  return (host, options, back) => {
    void allowedAddresses(host, { practice }).then(
      (addresses) => {
        const wanted = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
        const [first] = wanted;
        if (options.all || first === undefined) back(null, wanted);
        else back(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => back(error, []),
    );
  };
}

/** What other protocols listen on, by the numbers browsers refuse and those of data stores and of Docker without TLS. */
const OTHER_PROTOCOLS = new Set([
  ...[
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
  ],
  ...[1433, 1521, 2375, 3306, 5432, 6379, 6432, 11211, 26379, 27017],
]);

/**
 * HTTP is spoken to 80, 443 and ports from 1024 on that no other protocol is known by; on this machine to any. So an
 * address that someone could choose does not become a way to speak to mail servers and databases.
 */
export function refusePort(host: string, address: string, port: number): void {
  if (kindOfAddress(address) === "loopback" || port === 80 || port === 443) return;
  if (port >= 1024 && !OTHER_PROTOCOLS.has(port)) return;
  throw new LifeboatError({
    code: "address-port",
    what: `HTTP isn't spoken to port ${port} of ${host}`,
    allowed: "80, 443, and ports from 1024 on that no other protocol uses",
    stateNow: "Nothing was sent",
  });
}

function refuseForbidden(host: string, address: string, practice: boolean): void {
  const kind = kindOfAddress(address);
  const named = host === address ? address : `${host} (${address})`;
  if (practice && kind !== "loopback") {
    throw new LifeboatError({
      code: "address-outside-practice",
      what: `${named} is not an address of this machine, and practice touches nothing else`,
      allowed: "In practice only loopback addresses are connected to",
      stateNow: "Nothing was sent",
    });
  }
  if (kind === "linkLocal" || kind === "metadata" || kind === "unspecified" || kind === "multicast") {
    throw new LifeboatError({
      code: "address-forbidden",
      what: `${named} is a ${SPOKEN[kind]} address and is never connected to`,
      allowed: "Give the address of the system itself",
      stateNow: "Nothing was sent",
    });
  }
}

const SPOKEN = { linkLocal: "link-local", metadata: "cloud metadata", unspecified: "“no”", multicast: "multicast" };

function kindOfV4(address: string): AddressKind {
  const [a, b] = address.split(".").map(Number) as [number, number];
  if (METADATA.has(address)) return "metadata";
  if (a === 127) return "loopback";
  if (a === 169 && b === 254) return "linkLocal";
  if (a === 0) return "unspecified";
  if (a >= 224) return "multicast";
  return "ordinary";
}

/** The eight 16-bit groups of an IPv6 address that `isIPv6` accepts; a zone (`%eth0`) does not count. */
function groupsOf(address: string): number[] {
  const [bare] = address.split("%") as [string];
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(bare);
  const text = dotted ? `${dotted[1]}${pair(dotted[2], dotted[3])}:${pair(dotted[4], dotted[5])}` : bare;
  const [head = "", tail] = text.split("::") as [string, string | undefined];
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = new Array<string>(8 - before.length - after.length).fill("0");
  return [...before, ...(tail === undefined ? [] : zeros), ...after].map((group) => Number.parseInt(group, 16));
}

function pair(high: string | undefined, low: string | undefined): string {
  return ((Number(high) << 8) | Number(low)).toString(16);
}

/**
 * The IPv4 addresses an IPv6 address may lead to: mapped (::ffff:0:0/96), translated (::ffff:0:0:0/96, 64:ff9b::/96), local
 * translation (64:ff9b:1::/48, where it stands in either of two places), 6to4 (2002::/16), Teredo (2001::/32, its client
 * inverted and its server), ISATAP (::5efe:…) and the old compatible form.
 */
function embeddedV4(groups: readonly number[]): readonly string[] {
  const [a, b, c, d, e, f, g, h] = groups as [number, number, number, number, number, number, number, number];
  const zero = (from: number, to: number) => groups.slice(from, to).every((group) => group === 0);
  const tail = dotted(g, h);
  if (a === 0x2002) return [dotted(b, c)];
  if (a === 0x2001 && b === 0) return [dotted(c, d), dotted(g ^ 0xffff, h ^ 0xffff)];
  if (zero(0, 5) && f === 0xffff) return [tail];
  if (zero(0, 4) && e === 0xffff && f === 0) return [tail];
  if (a === 0x64 && b === 0xff9b && c === 1) return [tail, dotted(d, ((e & 0xff) << 8) | (f >> 8))];
  if (a === 0x64 && b === 0xff9b) return [tail];
  if ((e & 0xfdff) === 0 && f === 0x5efe) return [tail];
  if (zero(0, 6) && (g !== 0 || h > 1)) return [tail];
  return [];
}

function dotted(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** An address the public internet doesn't route to: RFC 1918, RFC 6598, loopback, unique local IPv6. */
export function isInternalAddress(address: string): boolean {
  if (kindOfAddress(address) === "loopback") return true;
  if (isIPv6(address)) {
    const groups = groupsOf(address);
    const inner = embeddedV4(groups);
    return inner.length === 0 ? ((groups[0] as number) & 0xfe00) === 0xfc00 : inner.every(isInternalAddress);
  }
  const [a, b] = address.split(".").map(Number) as [number, number];
  return a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 100 && b >= 64 && b < 128);
}
