import type { IncomingMessage, ServerResponse } from "node:http";
import { gunzipSync } from "node:zlib";
import { bytesOf } from "../../kit/body.ts";
import { createFaultInjection, type FaultInjection } from "../../kit/fault-injection.ts";
import { meet } from "../../kit/faults.ts";
import { createLedger, type Ledger } from "../../kit/ledger.ts";
import { listening } from "../../kit/listening.ts";
import { Refusal } from "../../kit/refusal.ts";
import { createS3Service } from "../s3/service.ts";
import { createStore, type Store } from "../s3/store.ts";
import { createClock } from "./clock.ts";
import { type NameServer, serveResolver, serveZones } from "./dns.ts";
import { servicesOf } from "./services.ts";
import { signatureOf } from "./signature.ts";
import { type AwsState, createAwsState } from "./state.ts";
import type { Call } from "./turn.ts";

export interface AwsOptions {
  /** Seconds of AWS per second of the wall, inverted: 0.005 makes four minutes 1.2 s. */
  readonly scale?: number;
  readonly account?: string;
}

/** One AWS on loopback, for the unmodified SDK: every region and service behind one address, told apart by the signature. */
export interface Aws {
  /** For `AWS_ENDPOINT_URL`. */
  readonly url: string;
  readonly state: AwsState;
  readonly faults: FaultInjection;
  readonly ledger: Ledger;
  /** The buckets of all regions. */
  readonly s3: Store;
  /** Route 53's own name server, and a resolver that caches. */
  readonly nameServer: NameServer;
  readonly resolver: NameServer;
  close(): Promise<void>;
}

export async function createAws({ scale = 0.005, account = "111122223333" }: AwsOptions = {}): Promise<Aws> {
  const clock = createClock(scale);
  const state = createAwsState(account, clock);
  const faults = createFaultInjection();
  const ledger = createLedger();
  const services = servicesOf(state);
  const s3 = createStore(account, clock, (region) => !faults.isDown(region));
  const answerS3 = createS3Service(s3, faults, ledger);
  const [nameServer, resolver, server] = await Promise.all([
    serveZones(state),
    serveResolver(state),
    listening(answer),
  ]);
  return {
    url: server.url,
    state,
    faults,
    ledger,
    s3,
    nameServer,
    resolver,
    async close() {
      clock.stop();
      s3.stop();
      await Promise.all([nameServer.close(), resolver.close(), server.close()]);
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const signed = signatureOf(request);
    // Bytes, where the others speak text.
    if (signed?.service === "s3") return await answerS3(request, response, signed.region);
    const body = await bodyIn(request);
    const service = services.find((one) => one.signedAs === signed?.service);
    if (!signed || !service) {
      response.writeHead(403, { "content-type": "text/plain" }).end("MissingAuthenticationToken");
      return;
    }
    const { operation, given } = service.read(request, body);
    const call: Call = { region: signed.region, operation, given };
    const noted = { service: service.name, region: signed.region, operation, given };
    if (faults.isDown(signed.region)) {
      ledger.write({ ...noted, outcome: "dropped", code: null, fault: null });
      response.destroy();
      return;
    }
    const struck = faults.take(operation);
    const fault = struck?.kind ?? null;
    const refuse = (refusal: Refusal) => {
      ledger.write({ ...noted, outcome: "refused", code: refusal.code, fault });
      service.refuse(response, refusal);
    };
    const permission = `${service.name}:${operation}`;
    if (faults.isDenied(permission)) {
      const says = `User is not authorized to perform: ${permission}`;
      return refuse(new Refusal(service.denied.code, says, service.denied.status));
    }
    try {
      await meet(struck, response, {
        dropped: () => ledger.write({ ...noted, outcome: "dropped", code: null, fault }),
        refuse(why) {
          if (why === "failAfter") return service.refuse(response, new Refusal("InternalFailure", "Lost inside", 500));
          if (why === "fail") return refuse(new Refusal("InternalFailure", "Something went wrong inside", 500));
          refuse(new Refusal(service.throttled.code, "Rate exceeded", service.throttled.status));
        },
        perform(happens) {
          const act = service.operations[operation];
          if (!act) throw new Refusal("InvalidAction", `Could not find operation ${operation}`);
          const turn = act(call);
          ledger.write({ ...noted, outcome: turn.effect && happens ? "accepted" : "answered", code: null, fault });
          if (happens) turn.effect?.();
          return () => service.answer(response, operation, turn.answer);
        },
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(error);
    }
  }
}

/** What is long comes compressed where the service's model says so: `PutMetricData` does. */
async function bodyIn(request: IncomingMessage): Promise<string> {
  const bytes = await bytesOf(request, Number.POSITIVE_INFINITY);
  return (request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString("utf8");
}
