import { parseArgs } from "node:util";
import { httpManifest, socketManifest } from "../slack/manifest.ts";

/** Prints the manifest to paste at api.slack.com/apps. `--http <address>`: for request URLs instead of Socket Mode. */
export async function manifest(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { http: { type: "string" } } });
  process.stdout.write(values.http === undefined ? socketManifest() : httpManifest(values.http));
  return 0;
}
