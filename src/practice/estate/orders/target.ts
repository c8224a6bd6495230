import { z } from "zod";
import { kindOfAddress } from "../../../lib/address.ts";

/** Where the application writes. Practice never leaves the machine. */
export interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

const target = z.strictObject({
  name: z.string().min(1).max(63),
  host: z.string().refine((host) => host === "localhost" || kindOfAddress(host) === "loopback", "is not loopback"),
  port: z.number().int().min(1).max(65535),
});

/** @throws ZodError naming what is wrong with it. */
export function parseTarget(value: unknown): Target {
  return target.parse(value);
}
