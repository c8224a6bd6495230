import type { AwsPermission, Permission } from "../actions/permission.ts";

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: { readonly StringEquals: { readonly "aws:RequestedRegion": readonly string[] } };
}

/** Actions that are asked of the same resources share a statement. The same permissions give the same bytes. */
export function statementsOf(permissions: readonly Permission[]): readonly Statement[] {
  const resources = new Map<string, { readonly names: Set<string>; readonly regions: Set<string> }>();
  for (const { action, resource, regions } of permissions.filter(isAws)) {
    // What is asked of everything anyway isn't listed by its name too.
    const key = resource === "*" ? `${action} *` : action;
    const known = resources.get(key) ?? { names: new Set(), regions: new Set() };
    resources.set(key, known);
    known.names.add(resource);
    for (const region of regions) known.regions.add(region);
  }
  const statements = new Map<string, { actions: string[]; names: string[]; regions: string[] }>();
  for (const [key, { names, regions }] of resources) {
    const [action = ""] = key.split(" ");
    const [sortedNames, sortedRegions] = [[...names].sort(), [...regions].sort()];
    const id = JSON.stringify([sortedNames, sortedRegions]);
    const known = statements.get(id) ?? { actions: [], names: sortedNames, regions: sortedRegions };
    statements.set(id, known);
    known.actions.push(action);
  }
  return [...statements.values()]
    .map(({ actions, ...rest }) => ({ actions: [...new Set(actions)].sort(), ...rest }))
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
    .map(({ actions, names, regions }, index) => ({
      Sid: `Lifeboat${index + 1}`,
      Effect: "Allow",
      Action: actions,
      Resource: names,
      ...(regions.length > 0 && { Condition: { StringEquals: { "aws:RequestedRegion": regions } } }),
    }));
}

/** A policy document, as `aws iam create-policy --policy-document` takes it. */
export function iamPolicy(permissions: readonly Permission[]): string {
  return `${JSON.stringify({ Version: "2012-10-17", Statement: statementsOf(permissions) }, null, 2)}\n`;
}

/** A `data "aws_iam_policy_document"`. */
export function terraformPolicy(name: string, permissions: readonly Permission[]): string {
  const list = (values: readonly string[]) =>
    `[\n${values.map((value) => `      ${quoted(value)},`).join("\n")}\n    ]`;
  const statements = statementsOf(permissions).map(({ Sid, Action, Resource, Condition }) => {
    const regions = Condition?.StringEquals["aws:RequestedRegion"];
    const condition =
      regions === undefined
        ? ""
        : `\n    condition {\n      test     = "StringEquals"\n      variable = "aws:RequestedRegion"\n      values   = [${regions.map(quoted).join(", ")}]\n    }`;
    return `  statement {\n    sid       = ${quoted(Sid)}\n    actions   = ${list(Action)}\n    resources = ${list(Resource)}${condition}\n  }`;
  });
  return `data "aws_iam_policy_document" ${quoted(`lifeboat_${name.replace(/[^a-z0-9]+/gi, "_")}`)} {\n${statements.join("\n\n")}\n}\n`;
}

/** HCL reads JSON's strings, but for its own templates. */
function quoted(text: string): string {
  return JSON.stringify(text)
    .replaceAll("${", () => "$${")
    .replaceAll("%{", "%%{");
}

function sortKey({ names, actions }: { names: readonly string[]; actions: readonly string[] }): string {
  return `${names.join()} ${actions.join()}`;
}

function isAws(one: Permission): one is AwsPermission {
  return one.of === "aws";
}
