import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { reportFindings } from "../../src/catalog/report.ts";
import { loadTemplates, shippedTemplates } from "../../src/comms/load.ts";
import { readTemplate } from "../../src/comms/read.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { makeFolder } from "../support/catalog-folder.ts";

const home = join(projectRoot(), "test", "comms", "mistakes");
const names = readdirSync(home)
  .filter((name) => name.endsWith(".md"))
  .map((name) => name.slice(0, -3));

describe("what the writer of a template is told", () => {
  // A page beside each template with something wrong in it; PAGES=write writes them again, to be read.
  test.each(names)("%s", (name) => {
    const file = join(home, `${name}.md`);
    const { template, findings } = readTemplate(file, name, readFileSync(file, "utf8"));
    const said = reportFindings(findings, home);
    const page = join(home, `${name}.out`);
    if (process.env.PAGES === "write") writeFileSync(page, said);
    expect(template).toBeNull();
    expect(said).toBe(existsSync(page) ? readFileSync(page, "utf8") : "");
  });
});

describe("a system's own templates", () => {
  const own = (title: string) =>
    [
      ...["---", "id: status-page-resolution", `title: "${title}"`, "audience: status-page", "moment: resolution"],
      ...["channels: [statuspage]", "subject: All is well", "---", "", "All is well."],
    ].join("\n");

  test("stand in the place of the shipped ones, for that system alone", () => {
    const folder = makeFolder({
      "shop/comms/status-page-resolution.md": own("Ours"),
      "shop/comms/shop-only.md": own("More").replaceAll("status-page-resolution", "shop-only"),
      "other/system.yml": "",
    });
    try {
      const { templates, problems, count } = loadTemplates(folder.path);
      const titles = (system: string) => templates.for(system).map(({ title }) => title);
      expect(problems).toEqual([]);
      expect(titles("shop")).toEqual(expect.arrayContaining(["Ours", "More"]));
      expect(titles("shop")).not.toContain("Status page: it is over");
      expect(titles("other")).toContain("Status page: it is over");
      expect(count).toBe(readdirSync(shippedTemplates()).length + 2);
    } finally {
      folder.remove();
    }
  });

  test("with a mistake leave the shipped one where it is", () => {
    const folder = makeFolder({
      "shop/comms/status-page-resolution.md": own("Ours").replace("All is well.", "{{ nobody }}"),
    });
    try {
      const { templates, problems } = loadTemplates(folder.path);
      expect(problems.map(({ rule, line }) => `${rule} ${line}`)).toEqual(["comms-name 10"]);
      expect(templates.for("shop").map(({ title }) => title)).toContain("Status page: it is over");
    } finally {
      folder.remove();
    }
  });
});
