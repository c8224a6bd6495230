import { createHash } from "node:crypto";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { z } from "zod";
import { type Setting, unreadable } from "./setting-place.ts";

export const filePlace = z.strictObject({
  kind: z.literal("file"),
  /** On Lifeboat's own host: lines of `KEY=value`, as compose reads them. */
  path: z.string().min(2).max(1000).startsWith("/"),
});

/** A file of `KEY=value` lines, replaced in one rename. Who reads it at their start has to be restarted by a step of its own. */
export function inFile({ path }: z.infer<typeof filePlace>): Setting {
  return {
    name: path,
    resource: `file:${path}`,
    async read(_ctx, keys) {
      try {
        const text = await readFile(path, "utf8");
        const lines = linesOf(text);
        const values = Object.fromEntries(keys.map((key) => [key, lines.get(key) ?? null]));
        const says = `${path} can be read.`;
        return {
          values,
          version: versionOf(text),
          checks: [{ id: "setting.readable", level: "block", ok: true, says }],
        };
      } catch (error) {
        return { values: {}, version: null, checks: [unreadable(path, error)] };
      }
    },
    async write(_ctx, seen, values) {
      const text = await readFile(path, "utf8");
      if (versionOf(text) !== seen.version) return "moved";
      const { mode } = await stat(path);
      await writeFile(`${path}.lifeboat`, changed(text, values), { mode });
      await rename(`${path}.lifeboat`, path);
      return "written";
    },
  };
}

function linesOf(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(/^([A-Za-z_][\w.-]*)=(.*)$/gm)].map(([, key, value]) => [key ?? "", value ?? ""]));
}

function changed(text: string, values: Readonly<Record<string, string>>): string {
  const left = new Map(Object.entries(values));
  const lines = text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => {
      const key = line.split("=", 1)[0] ?? "";
      const value = left.get(key);
      if (value === undefined || !line.includes("=")) return line;
      left.delete(key);
      return `${key}=${value}`;
    });
  return `${[...lines, ...[...left].map(([key, value]) => `${key}=${value}`)].join("\n")}\n`;
}

function versionOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
