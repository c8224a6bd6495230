import PostalMime from "postal-mime";
import { SMTPServer, type SMTPServerSession } from "smtp-server";
import { freePort } from "../../src/lib/port.ts";

/** A mail as its readers got it. */
export interface ReceivedMail {
  readonly at: Date;
  readonly from: string;
  /** Whom the envelope named: what a hidden recipient's mailbox saw. */
  readonly recipients: readonly string[];
  /** What the header says. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly messageId: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Ways a mail server goes wrong. */
export const MAIL_FAULTS = {
  "smtp-down": "Its port doesn't answer.",
  "smtp-hang": "It takes the call and says nothing.",
  "smtp-busy": "It says to come back later (451).",
  "smtp-refuse": "It knows none of these addresses (550).",
  "smtp-cut": "It takes the next mail, and the line is cut before it says so.",
} as const;
export type MailFault = keyof typeof MAIL_FAULTS;

/** A real SMTP server whose mailboxes everyone may read. */
export class Mailbox {
  readonly mails: ReceivedMail[] = [];
  port = 0;
  private fault: MailFault | null = null;
  private server: SMTPServer | null = null;
  private readonly changed: () => void;

  constructor(changed: () => void = () => {}) {
    this.changed = changed;
  }

  get is(): MailFault | null {
    return this.fault;
  }

  async open(): Promise<void> {
    const server = new SMTPServer({
      ...{ authOptional: true, disabledCommands: ["STARTTLS"], hideSTARTTLS: true, size: 2_000_000, closeTimeout: 100 },
      // Every login is let in: `SMTP_URL` of a real installation holds a login.
      allowInsecureAuth: true,
      onAuth: ({ username = "" }, _, next) => next(null, { user: username }),
      onConnect: (_, next) => {
        // Without an answer here there is no greeting.
        if (this.fault !== "smtp-hang") next();
      },
      onMailFrom: (_, __, next) => next(this.fault === "smtp-busy" ? answered(451, "Come back later") : null),
      onRcptTo: ({ address }, _, next) =>
        next(this.fault === "smtp-refuse" ? answered(550, `${address} is not known here`) : null),
      onData: (stream, session, next) => {
        const parts: Buffer[] = [];
        stream.on("data", (part: Buffer) => parts.push(part));
        stream.on("end", () => {
          this.receive(Buffer.concat(parts), session).then(
            () => {
              if (this.fault !== "smtp-cut") return next();
              this.fault = null;
              this.cut();
            },
            (error: Error) => next(error),
          );
        });
      },
    });
    server.on("error", () => {});
    // It goes down and comes back at the same port, which has to be its own meanwhile.
    this.port ||= await freePort();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.port, "127.0.0.1", () => resolve());
    });
    this.server = server;
  }

  async cause(fault: MailFault | null): Promise<void> {
    const wasDown = this.fault === "smtp-down";
    this.fault = fault;
    if (fault === "smtp-down") await this.close();
    else if (wasDown) await this.open();
    this.changed();
  }

  async close(): Promise<void> {
    const { server } = this;
    this.server = null;
    if (server === null) return;
    this.cut(server);
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  /** Every line is dropped without a word. */
  private cut(server = this.server): void {
    for (const connection of server?.connections ?? [])
      (connection as unknown as { _socket: { destroy(): void } })._socket.destroy();
  }

  private async receive(raw: Buffer, { envelope }: SMTPServerSession): Promise<void> {
    const mail = await PostalMime.parse(raw);
    const header = (name: string) => mail.headers.find(({ key }) => key === name)?.value ?? "";
    this.mails.push({
      at: new Date(),
      from: header("from"),
      recipients: envelope.rcptTo.map(({ address }) => address),
      to: header("to"),
      subject: mail.subject ?? "",
      text: mail.text ?? "",
      html: mail.html ?? "",
      messageId: mail.messageId ?? "",
      headers: Object.fromEntries(mail.headers.map(({ key, value }) => [key, value])),
    });
    this.changed();
  }
}

function answered(responseCode: number, says: string): Error {
  return Object.assign(new Error(says), { responseCode });
}
