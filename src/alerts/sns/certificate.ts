import { withDeadline } from "../../lib/deadline.ts";

/** Where SNS keeps the certificates it signs with; nothing else is ever fetched. */
const HOST = /^sns\.[a-z]{2}(?:-[a-z]{2,9}){1,3}-\d{1,2}\.amazonaws\.com(?:\.cn)?$/;
const PATH = /^\/SimpleNotificationService-[0-9a-fA-F]{16,64}\.pem$/;
const SECONDS = 5;
const BYTES_MAX = 64 * 1024;
const KEPT = 8;

/** HTTPS, a host of SNS itself at its usual port, and a certificate's path: whatever a message says beyond that is never fetched. */
export function isCertificateUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text);
  const bare = port === "" && username === "" && password === "" && search === "" && hash === "";
  return protocol === "https:" && bare && HOST.test(hostname) && PATH.test(pathname);
}

/** Fetches what an address holds, as PEM, and keeps it: SNS changes certificates about once a year. */
export type FetchCertificate = (url: string) => Promise<string>;

export function createCertificates(fetchOne: FetchCertificate = fetchCertificate): FetchCertificate {
  const kept = new Map<string, Promise<string>>();
  return (url) => {
    const known = kept.get(url);
    if (known !== undefined) return known;
    const fetched = fetchOne(url);
    kept.set(url, fetched);
    fetched.catch(() => kept.delete(url));
    for (const old of kept.keys()) if (kept.size > KEPT) kept.delete(old);
    return fetched;
  };
}

/** One attempt under a deadline, no redirects, and no more than a certificate's size. */
async function fetchCertificate(url: string): Promise<string> {
  return withDeadline("The certificate of SNS", SECONDS, async (signal) => {
    const answer = await fetch(url, { signal, redirect: "error" });
    if (!answer.ok || answer.body === null) throw new Error(`${new URL(url).hostname} answered ${answer.status}`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body) {
      size += chunk.length;
      if (size > BYTES_MAX) throw new Error("This is larger than any certificate");
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
  });
}
