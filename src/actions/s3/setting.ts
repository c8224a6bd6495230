import { z } from "zod";
import type { Bucket } from "./bucket.ts";
import { configMapPlace, inConfigMap } from "./setting-config-map.ts";
import { filePlace, inFile } from "./setting-file.ts";
import { httpPlace, inHttp } from "./setting-http.ts";
import type { Read, Setting } from "./setting-place.ts";

const key = z.string().regex(/^[-._a-zA-Z0-9]{1,253}$/);

/** Where the application's setting says which bucket it uses, and under which keys. */
export const settingInput = z.strictObject({
  in: z.discriminatedUnion("kind", [configMapPlace, filePlace, httpPlace]),
  keys: z.strictObject({ bucket: key, region: key.optional(), endpoint: key.optional() }),
});
export type SettingInput = z.infer<typeof settingInput>;

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
