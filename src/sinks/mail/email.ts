import type { Transporter } from "nodemailer";
import { withDeadline } from "../../lib/deadline.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Sent, Sink } from "../../projection/worker.ts";

/** A mail as the delivery keeps it. */
export interface Mail {
  readonly to: readonly string[];
  /** Readers do not see each other. */
  readonly hidden: boolean;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Mails of one incident to one audience stand together in a reader's mailbox. */
  readonly conversation: string;
}

export interface MailOptions {
  /** `smtp://user:password@host:587`; never logged. */
  readonly url: string;
  readonly from: string;
}

/** Until someone answers, until they greet, and between two answers; the whole never takes longer than the last. */
const SECONDS = { connect: 5, greet: 5, silence: 10, all: 25 } as const;

/**
 * Mail over SMTP. A mail that may have arrived is sent again under the same Message-ID, by which readers' mailboxes know it:
 * a customer who reads twice loses less than one who hears nothing.
 */
export function createEmail({ url, from }: MailOptions): Sink & { close(): void } {
  let transport: Promise<Transporter> | null = null;
  const connect = async () => {
    const { createTransport } = await import("nodemailer");
    const { connect: c, greet, silence } = SECONDS;
    return createTransport({
      url,
      ...{
        connectionTimeout: c * 1000,
        greetingTimeout: greet * 1000,
        socketTimeout: silence * 1000,
        dnsTimeout: 5000,
      },
      ...{ disableFileAccess: true, disableUrlAccess: true },
    } as Parameters<typeof createTransport>[0]);
  };
  return {
    name: "email",
    async send({ key, desired, unsure }) {
      const mail = desired as Mail;
      transport ??= connect();
      const sender = await transport;
      try {
        const sent = await withDeadline("The mail server", SECONDS.all, () =>
          sender.sendMail(letterOf(mail, key, from)),
        );
        const refused = (sent.rejected as readonly unknown[] | undefined) ?? [];
        const says = [
          ...(refused.length > 0 ? [`${addresses(refused.length)} refused by the mail server`] : []),
          ...(unsure ? ["it may have arrived twice, under one Message-ID"] : []),
        ];
        return {
          ...{
            how: "delivered",
            told: { to: addresses(mail.to.length - refused.length) },
            reference: sent.messageId ?? null,
          },
          says: says.length === 0 ? null : says.join("; "),
        };
      } catch (error) {
        return failureOf(error);
      }
    },
    close() {
      void transport?.then((one) => one.close());
    },
  };
}

function letterOf(mail: Mail, key: string, from: string) {
  const { to, hidden, subject, text, html, conversation } = mail;
  const host = /@([a-z0-9.-]+)/i.exec(from)?.[1] ?? "lifeboat.invalid";
  const id = (name: string) => `<${name.replace(/[^a-z0-9.-]+/gi, ".")}@${host}>`;
  return {
    ...{ from, subject, text, html, messageId: id(key), references: [id(conversation)], inReplyTo: id(conversation) },
    to: hidden ? "undisclosed-recipients:;" : [...to],
    envelope: { from, to: [...to] },
    headers: { "Auto-Submitted": "auto-generated", "X-Lifeboat-Update": key.replace(/[^a-z0-9./-]+/gi, ".") },
  };
}

export function addresses(count: number): string {
  return `${count} ${count === 1 ? "address" : "addresses"}`;
}

interface SmtpError {
  readonly code?: string;
  readonly responseCode?: number;
  readonly syscall?: string;
}

/** Nothing was said yet when these happened: no name, no line, no TLS, no greeting, no password. */
const BEFORE = new Set(["EDNS", "ETLS", "EAUTH", "ENOAUTH", "EOAUTH2"]);

function failureOf(error: unknown): Sent {
  const { code = "", responseCode, syscall } = error as SmtpError;
  const said = messageOf(error).replace(/\s+/g, " ").slice(0, 200);
  // What the installation has wrong (a password, a certificate) a person can put right, and then it goes out.
  if (!BEFORE.has(code) && responseCode !== undefined && responseCode >= 500)
    return { how: "never", says: `the mail server refuses it: ${said}` };
  const heard = responseCode !== undefined;
  const before = BEFORE.has(code) || syscall === "connect" || /^(greeting never|connection timeout)/i.test(said);
  return { how: "later", sure: heard || before, says: heard ? `the mail server can't take it now: ${said}` : said };
}
