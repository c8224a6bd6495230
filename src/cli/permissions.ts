import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { cards } from "../actions/index.ts";
import { loadCatalog } from "../catalog/load.ts";
import { reportFindings } from "../catalog/report.ts";
import { offer } from "../catalog/suggest.ts";
import type { Catalog } from "../catalog/types.ts";
import { loadVariables } from "../catalog/variables.ts";
import { LifeboatError } from "../lib/errors.ts";
import { projectRoot } from "../lib/root.ts";
import { neededFor } from "../permissions/collect.ts";
import { iamPolicy, terraformPolicy } from "../permissions/iam.ts";
import { rbacManifests } from "../permissions/rbac.ts";

const GROUP = "lifeboat";

/** Prints what Lifeboat's role and login have to be allowed for a runbook, and no more. Nothing outside is asked. */
export async function permissions(rest: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...rest],
    options: {
      iam: { type: "boolean" },
      terraform: { type: "boolean" },
      rbac: { type: "boolean" },
      group: { type: "string", default: GROUP },
    },
    allowPositionals: true,
    strict: true,
  });
  const folder = resolve(process.env.LIFEBOAT_SYSTEMS ?? join(projectRoot(), "templates", "systems"));
  const { catalog, problems } = loadCatalog(folder, cards);
  const errors = problems.filter(({ level }) => level === "error");
  if (errors.length > 0) process.stderr.write(reportFindings(errors));
  const name = positionals[0] ?? "";
  const { system, runbook } = find(catalog, name);
  const given = loadVariables(catalog, process.env.LIFEBOAT_VALUES);
  if (given.problems.length > 0) process.stderr.write(reportFindings(given.problems));
  const { permissions: needed, missing } = await neededFor(system, runbook, given.variables.get(system.id));
  const [inAws, inClusters] = [needed.some(({ of }) => of === "aws"), needed.some(({ of }) => of === "cluster")];
  if (missing.length > 0)
    process.stderr.write(
      `Without a value, and so as <name> below: ${missing.join(", ")}. LIFEBOAT_VALUES gives them.\n`,
    );
  const all = !values.iam && !values.terraform && !values.rbac;
  const parts = [
    ...(values.iam || all ? [inAws ? iamPolicy(needed) : nothing("IAM", name)] : []),
    ...(values.terraform ? [inAws ? terraformPolicy(name, needed) : nothing("IAM", name)] : []),
    ...(values.rbac || all
      ? [inClusters ? rbacManifests(needed, { runbook: name, group: values.group }) : nothing("RBAC", name)]
      : []),
  ];
  process.stdout.write(parts.join("\n"));
  return 0;
}

function nothing(what: "IAM" | "RBAC", name: string): string {
  return `# ${what}: ${name} asks for nothing.\n`;
}

function find({ systems, runbooks }: Pick<Catalog, "systems" | "runbooks">, name: string) {
  const runbook = runbooks.find((one) => `${one.system}/${one.id}` === name);
  const system = systems.find(({ id }) => id === runbook?.system);
  if (runbook !== undefined && system !== undefined) return { system, runbook };
  const names = runbooks.map((one) => `${one.system}/${one.id}`);
  throw new LifeboatError({
    code: "unknown-runbook",
    what: name === "" ? "Which runbook?" : `There is no runbook "${name}"`,
    ...offer(name, names),
  });
}
