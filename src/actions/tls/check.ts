import { isIP } from "node:net";
import { connect } from "node:tls";
import { z } from "zod";
import { allowedAddresses } from "../../lib/address.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { defineLook } from "../read.ts";

const httpsUrl = z.url({ protocol: /^https$/ });
const input = z.strictObject({
  /** Of each, the certificate that its server shows is read; nothing is asked of it. */
  urls: z.array(httpsUrl).min(1).max(50),
  /** A certificate that ends sooner is a fault. */
  certificateDays: z.number().int().min(0).max(365).default(14),
});
type Input = z.infer<typeof input>;

interface Shown {
  readonly url: string;
  /** ISO 8601; null: no certificate was seen, and `why` says why. */
  readonly expiresAt: string | null;
  /** Null: it is trusted. */
  readonly untrusted: string | null;
  readonly why: string | null;
}
interface Seen {
  readonly shown: readonly Shown[];
  /** ISO 8601. */
  readonly at: string;
}

const CONNECT_MS = 5_000;
const DAY_MS = 86_400_000;

/** Whether the certificates of web addresses are trusted, and last. */
export const check = defineLook<Input, Seen>({
  id: "tls.check",
  summary: "See that certificates of web addresses are trusted and don't end soon",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 15 },
  async observe(ctx, { urls }) {
    return { shown: await Promise.all(urls.map((url) => look(ctx, url))), at: new Date().toISOString() };
  },
  facts: ({ shown }): readonly Fact[] =>
    shown.map(({ url, expiresAt }) => ({
      ...{
        id: `expires:${hostOf(url)}`,
        label: `Certificate of ${hostOf(url)} ends`,
        value: expiresAt,
        material: false,
      },
    })),
  checks: ({ shown, at }, given) => shown.flatMap((one) => checksOf(one, new Date(at), given)),
  where: ({ urls }) => urls.map(hostOf).join(", "),
});

function checksOf({ url, expiresAt, untrusted, why }: Shown, now: Date, { certificateDays }: Input): readonly Check[] {
  const host = hostOf(url);
  if (expiresAt === null) {
    return [
      {
        id: "certificate.shown",
        level: "block",
        ok: false,
        says: `${host} shows no certificate: ${why?.replace(/\.$/, "")}.`,
      },
    ];
  }
  const lasts = new Date(expiresAt).getTime() >= now.getTime() + certificateDays * DAY_MS;
  const day = expiresAt.slice(0, 10);
  return [
    {
      ...{ id: "certificate.trusted", level: "block", ok: untrusted === null },
      says: untrusted === null ? `${host} is trusted.` : `The certificate of ${host} is not trusted: ${untrusted}.`,
    },
    {
      ...{ id: "certificate.lasts", level: "block", ok: lasts },
      says: lasts
        ? `The certificate of ${host} lasts until ${day}.`
        : `The certificate of ${host} ends on ${day}, within ${certificateDays} days.`,
      next: "Renew it.",
    },
  ];
}

async function look(ctx: ReadContext, url: string): Promise<Shown> {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  try {
    const [address] = await allowedAddresses(host, ctx);
    return address === undefined ? none(url, "its name has no address") : await shownBy(ctx, url, host, address);
  } catch (error) {
    ctx.signal.throwIfAborted();
    return none(url, messageOf(error));
  }
}

function none(url: string, why: string): Shown {
  return { url, expiresAt: null, untrusted: null, why };
}

function shownBy(ctx: ReadContext, url: string, host: string, address: string): Promise<Shown> {
  return new Promise((resolve) => {
    const socket = connect({
      ...{ host: address, port: Number(new URL(url).port || 443) },
      ...(isIP(host) === 0 && { servername: host }),
      // What is shown is what is requested, no matter who signed it.
      rejectUnauthorized: false,
    });
    const end = (shown: Shown) => {
      ctx.signal.removeEventListener("abort", aborted);
      socket.destroy();
      resolve(shown);
    };
    const aborted = () => end(none(url, "no answer in time"));
    ctx.signal.addEventListener("abort", aborted);
    socket.setTimeout(CONNECT_MS, () => end(none(url, `no answer within ${CONNECT_MS / 1000} s`)));
    socket.once("error", (error) => end(none(url, messageOf(error))));
    socket.once("secureConnect", () => {
      const { valid_to } = socket.getPeerCertificate();
      const reason = socket.authorized ? null : String(socket.authorizationError);
      if (!valid_to) end(none(url, "the server showed none"));
      else end({ url, expiresAt: new Date(valid_to).toISOString(), untrusted: reason, why: null });
    });
  });
}

function hostOf(url: string): string {
  return new URL(url).host;
}
