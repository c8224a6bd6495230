export type { ReaderFault } from "./faults.ts";
export type { ReceivedMail } from "./mailbox.ts";
export { createReaders, type Readers } from "./readers.ts";
export type { PublicIncident } from "./statuspage.ts";
