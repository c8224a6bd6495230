import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { parse } from "yaml";
import { versionOf } from "../../src/cli/version.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { renamedSettings } from "../../src/renamed-settings.ts";

const read = (...path: string[]) => readFileSync(join(projectRoot(), ...path), "utf8");
const { version } = JSON.parse(read("package.json"));
/** `## 0.2.0 - 2026-11-30` and what stands below, the newest first; `Unreleased` is the first. */
const sections = read("CHANGELOG.md").split(/^## /m).slice(1);

test("the version is that of the newest release, everywhere", () => {
  expect(sections.map((section) => section.split(/[ \n]/)[0]).slice(0, 2)).toEqual(["Unreleased", version]);
  expect(sections[1]).toMatch(/^\S+ - \d{4}-\d\d-\d\d\n/);
  expect(JSON.parse(read("practice", "package.json")).version).toBe(version);
  const { packages } = JSON.parse(read("package-lock.json"));
  expect([packages[""].version, packages.practice.version]).toEqual([version, version]);
  expect(versionOf()).toBe(`lifeboat ${version}`);
});

test("a release says what to do about it first, and names each setting that was renamed", () => {
  const release = sections[1] ?? "";
  const headings = [...release.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading);
  expect(headings[0]).toBe("Upgrading");
  expect(headings).toEqual(expect.arrayContaining(["Added", "Changed", "Fixed", "Security"]));
  for (const names of Object.entries(renamedSettings))
    for (const name of names) expect(release).toContain(`\`${name}\``);
});

test("CI runs .ci/run on the lowest Node version and the newest, and the devcontainer has its programs", () => {
  const { jobs } = parse(read(".github", "workflows", "ci.yml"));
  expect(jobs.test.strategy.matrix.image).toEqual(["node:20-bookworm", "node:current-bookworm"]);
  expect(jobs.test.steps.at(-1)).toEqual({ run: "bash .ci/run" });
  const [, programs = ""] = /^packages=\((.*)\)$/m.exec(read(".ci", "run")) ?? [];
  expect(programs.split(" ").length).toBeGreaterThan(5);
  const image = read(".devcontainer", "Dockerfile").split(/\s+/);
  expect(programs.split(" ").filter((program) => !image.includes(program))).toEqual([]);
});

test("every issue form is one a host can show", () => {
  for (const form of ["defect", "idea", "target"]) {
    const { name, description, body } = parse(read(".github", "ISSUE_TEMPLATE", `${form}.yml`));
    expect([form, typeof name, typeof description, body.length > 0]).toEqual([form, "string", "string", true]);
  }
});
