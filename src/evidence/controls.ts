import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { projectRoot } from "../lib/root.ts";
import { csv } from "./csv.ts";

const schema = z.strictObject({
  standard: z.string().min(1),
  title: z.string().min(1),
  controls: z
    .array(
      z.strictObject({
        id: z.string().min(1),
        title: z.string().min(1),
        shows: z.array(z.strictObject({ file: z.string().min(1), says: z.string().min(1) })).min(1),
        not: z.string().min(1),
      }),
    )
    .min(1),
});

/** What a standard asks for, which files of a pack show it, and what none of them shows. */
export type Standard = z.output<typeof schema>;

/** As the data files say (`templates/evidence/controls/`), in the order of their names. */
export function standards(): readonly Standard[] {
  const folder = join(projectRoot(), "templates", "evidence", "controls");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yml"))
    .sort()
    .map((name) => schema.parse(parse(readFileSync(join(folder, name), "utf8"))));
}

/** The paths a pattern of a data file names; `*` stands for any characters. */
export function filesFor(pattern: string, paths: readonly string[]): readonly string[] {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${parts.join(".*")}$`);
  return paths.filter((path) => expression.test(path));
}

/** A row for each control and what shows it. `files`: how many of them are in this pack; 0 says that it shows nothing of it. */
export function controlsCsv(paths: readonly string[]): string {
  return csv(
    ["standard", "control", "title", "file", "files_in_pack", "shows", "does_not_show"],
    standards().flatMap(({ standard, controls }) =>
      controls.flatMap(({ id, title, shows, not }) =>
        shows.map(({ file, says }) => ({
          ...{ standard, control: id, title, file, files_in_pack: filesFor(file, paths).length },
          ...{ shows: says, does_not_show: not },
        })),
      ),
    ),
  );
}
