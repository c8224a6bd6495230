export type { ReceivedMail } from "./mailbox.ts";
export { createReaders, type Readers } from "./readers.ts";
export type { PublicIncident } from "./statuspage.ts";
export type { ReaderTrouble } from "./troubles.ts";
