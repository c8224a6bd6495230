import { MAIL_FAULTS, type MailFault } from "./mailbox.ts";
import { STATUSPAGE_FAULTS, type StatuspageFault } from "./statuspage.ts";

/** What can go wrong with mailboxes and the status page, each in words. */
export type ReaderFault = MailFault | StatuspageFault;
export const READER_FAULTS: Readonly<Record<ReaderFault, string>> = { ...MAIL_FAULTS, ...STATUSPAGE_FAULTS };
