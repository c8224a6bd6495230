import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { lint } from "../../src/catalog/lint.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { type Folder, makeFolder, shopSystem as withVariables } from "../support/catalog-folder.ts";
import { cards } from "./cards.ts";

const shopSystem = withVariables.replaceAll(/^(variables|targets):\n(?: .*\n)*/gm, "");

const good = `
title: Look
summary: Changes nothing.
component: database
stages:
  - id: look
    title: Look
    steps:
      - { id: pause, title: Pause, action: wait, with: { for: 5s } }
`;
let folder: Folder;
afterEach(() => folder.remove());

describe("what is in the catalogue", () => {
  test("a runbook with an error is left out, and its neighbours are not", () => {
    folder = makeFolder({
      "shop/system.yml": shopSystem,
      "shop/runbooks/good.yml": good,
      "shop/runbooks/bad.yml": good.replace("wait", "wiat"),
    });
    const { catalog, problems } = loadCatalog(folder.path, cards);
    expect(catalog.runbooks.map(({ id }) => id)).toEqual(["good"]);
    expect(problems).toMatchObject([{ rule: "unknown-action", file: join(folder.path, "shop/runbooks/bad.yml") }]);
  });

  test("a part of others is in those, and nowhere by itself: nothing can start or propose it", () => {
    const use = "  - { id: it, title: It, use: part }\n";
    const whole = good.replace("stages:\n", `reprotect: part\nstages:\n${use}`);
    folder = makeFolder({
      "shop/system.yml": shopSystem,
      "shop/runbooks/part.yml": `part: true${good}`,
      "shop/runbooks/whole.yml": whole.replace("reprotect: part\n", ""),
      "shop/runbooks/after.yml": whole,
    });
    const { catalog, problems } = loadCatalog(folder.path, cards);
    expect(catalog.runbooks.map(({ id, stages }) => [id, stages.map((stage) => stage.id)])).toEqual([
      ["whole", ["it-look", "look"]],
    ]);
    expect(problems).toMatchObject([{ file: join(folder.path, "shop/runbooks/after.yml"), rule: "unknown-runbook" }]);
  });

  test("nothing of a system with an error is in it", () => {
    folder = makeFolder({
      "shop/system.yml": shopSystem.replace("roles: [responder]", "roles: [nobody]"),
      "shop/runbooks/good.yml": good,
    });
    expect(loadCatalog(folder.path, cards).catalog).toEqual({ systems: [], runbooks: [] });
  });

  test("runbooks of a system that can't be read are held against their shape all the same", () => {
    folder = makeFolder({ "shop/system.yml": "title: [", "shop/runbooks/bad.yml": "titel: x" });
    const files = loadCatalog(folder.path, cards).problems.map(({ file }) => file);
    expect(new Set(files)).toEqual(
      new Set([join(folder.path, "shop/system.yml"), join(folder.path, "shop/runbooks/bad.yml")]),
    );
  });

  test("a warning keeps nothing out", () => {
    folder = makeFolder({
      "shop/system.yml": shopSystem.replace("slack: [UADA], ", ""),
      "shop/runbooks/good.yml": good,
    });
    const { catalog, problems } = loadCatalog(folder.path, cards);
    expect(catalog.runbooks).toHaveLength(1);
    expect(problems.map(({ level }) => level)).toEqual(["warning"]);
  });

  test("RTO and RPO come from the component, from the runbook, or are not promised", () => {
    folder = makeFolder({
      "shop/system.yml": shopSystem,
      "shop/runbooks/of-component.yml": good,
      "shop/runbooks/own.yml": `${good}rto: 1h\nrpo: 0s\n`,
      "shop/runbooks/none.yml": `${good}rto: null\nrpo: null\n`,
    });
    const objectives = loadCatalog(folder.path, cards).catalog.runbooks.map((book) => [
      book.id,
      book.rtoSeconds,
      book.rpoSeconds,
    ]);
    expect(objectives).toEqual([
      ["none", null, null],
      ["of-component", 600, 60],
      ["own", 3600, 0],
    ]);
  });
});

describe("what a folder may be", () => {
  test("one system by itself", () => {
    folder = makeFolder({ "shop/system.yml": shopSystem, "shop/runbooks/good.yml": good });
    expect(lint(join(folder.path, "shop"), cards).text).toBe("1 system, 1 runbook: no problems\n");
  });

  test("not there, empty, or with names no one could type", () => {
    folder = makeFolder({
      "Shop 1/system.yml": shopSystem,
      "shop/readme": "",
      "shop2/system.yml": shopSystem,
      "shop2/runbooks/A b.yml": good,
      "shop2/runbooks/late.yaml": good,
    });
    expect(loadCatalog(join(folder.path, "nowhere"), cards).problems).toMatchObject([{ rule: "file" }]);
    const { catalog, problems } = loadCatalog(folder.path, cards);
    expect(catalog.systems.map(({ id }) => id)).toEqual(["shop2"]);
    expect(problems.map(({ what }) => what.replace(/:.*/, ""))).toEqual([
      '"Shop 1" cannot be the name of a system or runbook',
      "This file can't be read",
      '"A b" cannot be the name of a system or runbook',
      "This file is not read",
    ]);
  });

  test("a script that is a link to outside is not the system's own", () => {
    folder = makeFolder({
      "shop/system.yml": `${shopSystem}scripts:\n  sneaky: { file: scripts/sneaky.sh }\n`,
      "shop/scripts/other.sh": "",
      "outside.sh": "",
    });
    symlinkSync(join(folder.path, "outside.sh"), join(folder.path, "shop/scripts/sneaky.sh"));
    expect(loadCatalog(folder.path, cards).problems).toMatchObject([{ rule: "script-allowed" }]);
  });
});
