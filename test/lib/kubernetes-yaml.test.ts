import { describe, expect, test } from "@jest/globals";
import { kubernetesYaml, parseKubernetesYaml } from "../../src/lib/kubernetes-yaml.ts";

/** What sigs.k8s.io/yaml 1.6, which kubectl reads with, made of each on 2026-11-30. */
const READ: readonly (readonly [string, unknown])[] = [
  ["0644", 420],
  ["0400", 256],
  ["0o17", 15],
  ["08", 8],
  ["09", 9],
  ["0x1F", 31],
  ["0b11", 3],
  ["1_000", 1000],
  ["1e3", 1000],
  ["-01", -1],
  [".5", 0.5],
  ["12:30", "12:30"],
  ["12:30:45", "12:30:45"],
  ["190:20:30.15", "190:20:30.15"],
  ["2024-01-01", "2024-01-01"],
  ["2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"],
  ['"0644"', "0644"],
  ["y", true],
  ["No", false],
  ["on", true],
  ["OFF", false],
  ["tRue", "tRue"],
  ["~", null],
  ["!!str 12", "12"],
  ["{ <<: { x: 1 }, z: 2 }", { x: 1, z: 2 }],
];

const parsed = (text: string) => parseKubernetesYaml(text).map((document) => document.toJS() as unknown);

describe("YAML as Kubernetes reads it", () => {
  test.each(READ)("%s", (text, value) => {
    expect(parsed(`value: ${text}`)).toEqual([{ value }]);
  });

  test("what is written is read as the text it was", () => {
    const names = [
      ...READ.map(([text]) => text),
      "on",
      "no",
      "null",
      "1e3",
      "-",
      "",
      "a: b",
      "# c",
      "0o17",
      "1_0",
      "=",
      "<<",
    ];
    expect(parsed(kubernetesYaml({ names }))).toEqual([{ names }]);
  });

  test("a key that is there twice is a mistake", () => {
    expect(parseKubernetesYaml("a: 1\na: 2")[0]?.errors).toHaveLength(1);
  });
});
