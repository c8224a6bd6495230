import { z } from "zod";
import { messageOf } from "../../lib/errors.ts";
import type { Check, ReadContext } from "../contract.ts";
import type { Bucket } from "./bucket.ts";
import { configMapPlace, inConfigMap } from "./setting-config-map.ts";
import { filePlace, inFile } from "./setting-file.ts";
import { httpPlace, inHttp } from "./setting-http.ts";

const key = z.string().regex(/^[-._a-zA-Z0-9]{1,253}$/);

/** Where the application's setting says which bucket it uses, and under which keys. */
export const settingInput = z.strictObject({
  in: z.discriminatedUnion("kind", [configMapPlace, filePlace, httpPlace]),
  keys: z.strictObject({ bucket: key, region: key.optional(), endpoint: key.optional() }),
});
export type SettingInput = z.infer<typeof settingInput>;

/** The values of the named keys, and what tells this state from another. */
export interface Read {
  readonly values: Readonly<Record<string, string | null>>;
  readonly version: string | null;
}

/** One kind of place. `write` is one effect, of all keys or none, refused when it is no longer what was read. */
export interface Setting {
  readonly name: string;
  /** What a step holds while it changes it. */
  readonly resource: string;
  read(ctx: ReadContext, keys: readonly string[]): Promise<Read & { readonly checks: readonly Check[] }>;
  write(ctx: ReadContext, seen: Read, values: Readonly<Record<string, string>>): Promise<"written" | "moved">;
}

export function settingOf({ in: place }: SettingInput): Setting {
  switch (place.kind) {
    case "configMap":
      return inConfigMap(place);
    case "file":
      return inFile(place);
    case "http":
      return inHttp(place);
    default:
      return place satisfies never;
  }
}

/** What the setting says when the application uses this bucket. */
export function valuesFor({ keys }: SettingInput, { bucket, region, endpoint = "" }: Bucket): Record<string, string> {
  return {
    [keys.bucket]: bucket,
    ...(keys.region === undefined ? {} : { [keys.region]: region }),
    ...(keys.endpoint === undefined ? {} : { [keys.endpoint]: endpoint }),
  };
}

export function holds({ values }: Read, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => (values[name] ?? "") === value);
}

export function unreadable(name: string, error: unknown): Check {
  return { id: "setting.readable", level: "block", ok: false, says: `${name} can't be read: ${messageOf(error)}.` };
}
