import { type DocumentOptions, parseAllDocuments, type ScalarTag, type SchemaOptions, stringify } from "yaml";

/**
 * YAML as kubectl and the API server read it: 1.1 (`0400` is octal, `on` is true), with the octal numbers of 1.2, and without what their
 * parser doesn't take from 1.1: numbers to the base of 60, and times. Checked against sigs.k8s.io/yaml 1.6.
 */
const KUBERNETES: DocumentOptions & SchemaOptions = {
  version: "1.1",
  customTags: (tags) => [...tags.filter((tag) => typeof tag === "string" || !isOther(tag)), OCTAL],
};

const OCTAL: ScalarTag = {
  tag: "tag:yaml.org,2002:int",
  default: true,
  test: /^0o[0-7]+$/,
  resolve: (text) => Number.parseInt(text.slice(2), 8),
};

function isOther({ tag, format }: { readonly tag: string; readonly format?: string }): boolean {
  return format === "TIME" || /:(timestamp|omap|pairs|set)$/.test(tag);
}

export function parseKubernetesYaml(text: string) {
  return parseAllDocuments(text, { ...KUBERNETES, strict: true });
}

/** One document; what they would take for a number or a boolean is quoted. */
export function kubernetesYaml(value: object): string {
  return stringify(value, { ...KUBERNETES, lineWidth: 0 });
}
