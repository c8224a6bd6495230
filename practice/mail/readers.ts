import type { IncomingMessage, ServerResponse } from "node:http";
import type { ReaderFault } from "./faults.ts";
import { handleReaders } from "./handle.ts";
import { MAIL_FAULTS, Mailbox, type MailFault, type ReceivedMail } from "./mailbox.ts";
import { type PublicIncident, STATUSPAGE_FAULTS, Statuspage, type StatuspageFault } from "./statuspage.ts";

/** Those who are told: a mail server whose mailboxes are open, and a stand-in for Statuspage. */
export interface Readers {
  /** What a bot needs in its environment to tell people here instead of the real ones. */
  environment(): Record<"SMTP_URL" | "MAIL_FROM" | "STATUSPAGE_API_KEY" | "STATUSPAGE_API_URL", string>;
  /** Pages under `/comms/`: for the practice workspace. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** Every mail that arrived, oldest first; one that came twice is here twice. */
  readonly mails: readonly ReceivedMail[];
  readonly notices: readonly PublicIncident[];
  /** Component id → what customers see of it. */
  readonly components: ReadonlyMap<string, string>;
  /** Calls Statuspage understood, oldest first. */
  readonly ledger: readonly string[];
  injectFault(what: ReaderFault | "calm"): Promise<void>;
  /** Where the bot's own page is; shown beside these. */
  pageAt(url: string): void;
  close(): Promise<void>;
}

export async function createReaders(): Promise<Readers> {
  const watching = new Set<() => void>();
  const changed = () => {
    for (const tell of watching) tell();
  };
  const mailbox = new Mailbox(changed);
  const statuspage = new Statuspage(changed);
  await mailbox.open();
  await statuspage.open();
  let page: string | null = null;
  const readers: Readers = {
    environment: () => ({
      SMTP_URL: `smtp://127.0.0.1:${mailbox.port}`,
      MAIL_FROM: "Lifeboat practice <lifeboat@orders.example>",
      STATUSPAGE_API_KEY: statuspage.key,
      STATUSPAGE_API_URL: statuspage.url,
    }),
    handle: (request, response) =>
      handleReaders(
        {
          readers,
          activeFaults: () => [mailbox.is, statuspage.is].filter((one) => one !== null),
          page: () => page,
          watch: (tell) => {
            watching.add(tell);
            return () => watching.delete(tell);
          },
        },
        request,
        response,
      ),
    mails: mailbox.mails,
    notices: statuspage.incidents,
    components: statuspage.components,
    ledger: statuspage.ledger,
    async injectFault(what) {
      if (what in MAIL_FAULTS || what === "calm") await mailbox.cause(what === "calm" ? null : (what as MailFault));
      if (what in STATUSPAGE_FAULTS || what === "calm")
        statuspage.cause(what === "calm" ? null : (what as StatuspageFault));
    },
    pageAt(url) {
      page = url;
      changed();
    },
    async close() {
      await mailbox.close();
      await statuspage.close();
    },
  };
  return readers;
}
