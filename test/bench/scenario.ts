import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { projectRoot } from "../../src/lib/root.ts";
import type { Figure, Measure } from "./figure.ts";
import { median } from "./statistics.ts";

const ROUNDS = 2;

interface Told {
  readonly outcome: string;
  readonly rto: { readonly seconds: number | null };
  readonly writeGapSeconds: number | null;
}

export const scenario: Figure = {
  name: "practice",
  title: "The practice story, headless: a real failover of a database under traffic",
  async measure() {
    const kinds = [
      { kind: "planned", more: [] },
      { kind: "unplanned", more: ["--unplanned"] },
    ];
    const measures: Measure[] = [];
    for (const { kind, more } of kinds) {
      const all: { told: Told; seconds: number }[] = [];
      for (let round = 0; round < ROUNDS; round++) all.push(await play(more));
      const gaps = all.map(({ told }) => told.writeGapSeconds ?? Number.NaN);
      measures.push(
        { what: `${kind}: writes refused for, median`, value: median(gaps), unit: "s" },
        {
          what: `${kind}: recovery (RTO), median`,
          value: median(all.map(({ told }) => told.rto.seconds ?? 0)),
          unit: "s",
        },
        {
          what: `${kind}: the whole story with its servers, median`,
          value: median(all.map((one) => one.seconds)),
          unit: "s",
        },
      );
    }
    return measures;
  },
};

async function play(more: readonly string[]): Promise<{ told: Told; seconds: number }> {
  const began = performance.now();
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "src/cli.ts", "practice", "--headless", "database", "--json", ...more],
    { cwd: projectRoot(), maxBuffer: 16 * 1024 * 1024, timeout: 120_000 },
  );
  const told = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Told;
  if (told.outcome !== "verified") throw new Error(`The story ended ${told.outcome}.`);
  return { told, seconds: (performance.now() - began) / 1000 };
}
