import { createFaultInjection, type FaultInjection } from "../../kit/fault-injection.ts";
import { createLedger, type Ledger } from "../../kit/ledger.ts";
import { listening } from "../../kit/listening.ts";
import { createClock } from "../aws/clock.ts";
import { signatureOf } from "../aws/signature.ts";
import { createS3Service } from "./service.ts";
import { createStore, type Store } from "./store.ts";

export { s3Covered } from "./service.ts";
export type { Bucket, Rule, Store, Stored } from "./store.ts";

/** An S3 of its own, as MinIO is: one address, for the unmodified SDK with `endpoint` and path style. */
export interface S3 {
  readonly url: string;
  readonly store: Store;
  readonly faults: FaultInjection;
  readonly ledger: Ledger;
  close(): Promise<void>;
}

export interface S3Options {
  /** Seconds of S3 per second of the wall, inverted: with 0.01 a copy that takes 30 s takes 0.3 s. */
  readonly scale?: number;
  readonly account?: string;
}

export async function createS3({ scale = 0.01, account = "111122223333" }: S3Options = {}): Promise<S3> {
  const clock = createClock(scale);
  const faults = createFaultInjection();
  const ledger = createLedger();
  const store = createStore(account, clock, (region) => !faults.isDown(region));
  const answer = createS3Service(store, faults, ledger);
  const server = await listening(async (request, response) => {
    const signed = signatureOf(request);
    if (signed?.service !== "s3") {
      response.writeHead(403).end();
      return;
    }
    await answer(request, response, signed.region);
  });
  return {
    url: server.url,
    store,
    faults,
    ledger,
    async close() {
      clock.stop();
      store.stop();
      await server.close();
    },
  };
}
