import { z } from "zod";

/** Parts that files of the catalogue are written in. */

export const id = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "An id is lower-case words joined by hyphens: database, vp-engineering");
export const sentence = z.string().trim().min(1, "It may not be empty");
export const scalar = z.union([z.string(), z.number(), z.boolean()]).describe("A text, a number, true or false");
export const mode = z.enum(["planned", "unplanned"]);
export const email = z.email("An e-mail address: leadership@example.com");

/** True for a time zone this Node knows. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
