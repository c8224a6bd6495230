import { afterAll, beforeAll, expect, test } from "@jest/globals";
import {
  PATRONI_PACKAGES,
  PATRONI_PROGRAMS,
  type PatroniEstate,
  startPatroni,
} from "../../../src/practice/estate/patroni/index.ts";
import { blockedBy, type Conductor, conduct } from "../conductor.ts";
import { describeWith } from "../present.ts";

/**
 * What has to be true of any Patroni cluster, looked at only. Over a cluster of yours: PATRONI_URL=http://host:8008 of any
 * member, with PATRONI_DATABASE_USER and PATRONI_DATABASE_PASSWORD of a login with pg_monitor.
 */
const given = process.env.PATRONI_URL;
const describe = await describeWith(given === undefined ? PATRONI_PROGRAMS : [], PATRONI_PACKAGES);

describe(`a Patroni cluster, ${given === undefined ? "of practice" : "given by PATRONI_URL"}`, () => {
  let estate: PatroniEstate | null = null;
  let conductor: Conductor;
  let cluster: object;

  beforeAll(async () => {
    if (given === undefined) estate = await startPatroni();
    const url = given ?? (estate?.nodes[0]?.api as string);
    const told = (await (await fetch(new URL("/cluster", url))).json()) as {
      members: { name: string; api_url: string }[];
    };
    const password = estate?.superuser.password ?? process.env.PATRONI_DATABASE_PASSWORD ?? "";
    conductor = conduct({ DB_PASSWORD: password }, { practice: given === undefined });
    cluster = {
      name: estate?.scope ?? "given",
      api: Object.fromEntries(told.members.map((one) => [one.name, new URL(one.api_url).origin])),
      database: {
        user: estate?.superuser.user ?? process.env.PATRONI_DATABASE_USER ?? "lifeboat",
        passwordFrom: "DB_PASSWORD",
      },
    };
  }, 120_000);
  afterAll(() => estate?.stop(), 30_000);

  test("is looked at within seconds, and its material facts stay the same", async () => {
    const first = await conductor.perform("check", "patroni.check", { cluster });
    const second = await conductor.perform("check", "patroni.check", { cluster });
    expect(first.evidence.says).toMatch(/ leads: /);
    for (const fact of ["leader", "paused"]) expect(second.facts[fact]).toEqual(first.facts[fact]);
  }, 30_000);

  test("is ready to be handed to a member that streams", async () => {
    const { facts } = await conductor.look("patroni.check", { cluster });
    const names = Object.keys((cluster as { api: object }).api).filter((name) => name !== facts.leader);
    const looks = names.map((candidate) =>
      conductor.look("patroni.switchover", { cluster, leader: facts.leader, candidate }),
    );
    const ready = (await Promise.all(looks)).filter(({ checks }) => blockedBy(checks).length === 0);
    expect(ready.length).toBeGreaterThan(0);
  }, 30_000);
});
