export type { ReceivedMail } from "./mailbox.ts";
export { createReaders, type Readers, type ReaderTrouble } from "./readers.ts";
export type { PublicIncident } from "./statuspage.ts";
