import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { timestampAnswer } from "../../src/lib/timestamp.ts";

/** What an authority answers is checked by OpenSSL's own in `test/evidence/anchors.test.ts`; these are others' ways of writing it. */
const hash = createHash("sha256").update("a checkpoint").digest("hex");
const WITH_NULL = "300d06096086480165030402010500";
const WITHOUT = "300b0609608648016503040201";
const SHA1 = "300906052b0e03021a0500";

/** `TimeStampResp`: a status, and a token that holds an imprint somewhere. */
function answer(status: number, algorithm: string, digest: string): Buffer {
  const imprint = der(0x30, Buffer.from(`${algorithm}0420${digest}`, "hex"));
  return der(0x30, Buffer.concat([der(0x30, der(0x02, Buffer.from([status]))), der(0x30, imprint)]));
}

function der(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
}

describe("what a timestamp authority answers", () => {
  test.each([
    ["as it was asked", answer(0, WITH_NULL, hash), "granted"],
    ["without parameters of the algorithm", answer(0, WITHOUT, hash), "granted"],
    ["with a change it names", answer(1, WITHOUT, hash), "granted"],
    ["a refusal", answer(2, WITH_NULL, hash), "refused"],
    ["about another hash", answer(0, WITHOUT, "00".repeat(32)), "refused"],
    ["by another algorithm", answer(0, SHA1, hash), "refused"],
    ["nothing of the kind", Buffer.from("<html>"), "refused"],
    ["nothing", Buffer.alloc(0), "refused"],
  ])("%s", (_what, bytes, kind) => {
    expect(timestampAnswer(bytes, hash).kind).toBe(kind);
  });
});
