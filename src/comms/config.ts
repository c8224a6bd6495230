import type { Address } from "../http/addresses.ts";

/** How people outside are reached from this installation. Where each system's readers are stands in its `comms:`. */
export interface CommsConfig {
  /** Null: no mail goes out. */
  readonly mail: { readonly url: string; readonly from: string } | null;
  /** Null: nothing goes to Atlassian Statuspage. */
  readonly statuspage: { readonly apiUrl: string; readonly key: string } | null;
  readonly page: {
    readonly folder: string;
    /** Null: only written, not served. */
    readonly address: Address | null;
    /** Where readers find it; null: updates name no address. */
    readonly link: string | null;
  };
}
