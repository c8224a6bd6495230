import { MAIL_TROUBLES, type MailFault } from "./mailbox.ts";
import { PAGE_TROUBLES, type StatuspageFault } from "./statuspage.ts";

/** What can go wrong with mailboxes and the status page, each in words. */
export type ReaderFault = MailFault | StatuspageFault;
export const READER_TROUBLES: Readonly<Record<ReaderFault, string>> = { ...MAIL_TROUBLES, ...PAGE_TROUBLES };
