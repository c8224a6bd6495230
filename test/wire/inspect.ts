import { inspectAnswer } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { inspectRequest, operationOf } from "./request.ts";
import { serviceSignedAs } from "./services.ts";
import type { Inspection } from "./shape.ts";
import { wrongSignature } from "./signature.ts";

const SCOPE = /Credential=[^/]+\/\d{8}\/[^/]+\/([^/]+)\/aws4_request/;

export interface Inspected {
  /** `rds:DescribeDBInstances` */
  readonly operation: string;
  /** What the service's model does not allow, in words. */
  readonly findings: readonly string[];
}

/** Holds one exchange against the model of the AWS service it was signed for; null: it is none of AWS's. */
export async function inspect(exchange: Exchange): Promise<Inspected | null> {
  const [, signedAs = ""] = SCOPE.exec(exchange.headers.authorization ?? "") ?? [];
  const service = await serviceSignedAs(signedAs);
  if (!service) return null;
  const operation = operationOf(service, exchange);
  if (!operation) {
    const said = `${signedAs}: no operation is asked for by ${exchange.method} ${exchange.url}`;
    return { operation: `${signedAs}:?`, findings: [said] };
  }
  const findings: string[] = [];
  const by = (of: string): Inspection => ({
    enums: service.enums,
    always: () => [],
    say: (where, what) => void findings.push(`${signedAs} ${operation.name} ${of}: ${where} ${what}`),
  });
  const guarded = (of: string, work: (inspection: Inspection) => void) => {
    try {
      work(by(of));
    } catch (error) {
      by(of).say("", String(error));
    }
  };
  guarded("request", (one) => inspectRequest(service, operation, exchange, one));
  const wrong = wrongSignature(exchange);
  if (wrong !== null) by("request").say("its signature", wrong);
  guarded("answer", (one) => inspectAnswer(service, operation, exchange, one));
  return { operation: `${signedAs}:${operation.name}`, findings };
}
