import { isIP } from "node:net";
import { z } from "zod";
import { kindOfAddress } from "../../../../src/lib/address.ts";
import type { Target } from "../../../environment/database.ts";

const target = z.strictObject({
  name: z.string().min(1).max(63),
  host: z.string().refine(isLoopback, "is not loopback"),
  port: z.number().int().min(1).max(65535),
});

/** @throws ZodError naming what is wrong with it. */
export function parseTarget(value: unknown): Target {
  return target.parse(value);
}

/** A name that is no address says nothing about where it leads. */
function isLoopback(host: string): boolean {
  return host === "localhost" || (isIP(host) !== 0 && kindOfAddress(host) === "loopback");
}
