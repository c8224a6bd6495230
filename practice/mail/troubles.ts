import { MAIL_TROUBLES, type MailTrouble } from "./mailbox.ts";
import { PAGE_TROUBLES, type PageTrouble } from "./statuspage.ts";

/** What can go wrong with mailboxes and the status page, each in words. */
export type ReaderTrouble = MailTrouble | PageTrouble;
export const READER_TROUBLES: Readonly<Record<ReaderTrouble, string>> = { ...MAIL_TROUBLES, ...PAGE_TROUBLES };
