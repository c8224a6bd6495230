import type { Config } from "../config.ts";
import { messageOf } from "../lib/errors.ts";
import { inspectStore } from "../timeline/inspect.ts";
import { type Finding, fail, ok, skip, warn } from "./finding.ts";

/** The store needs so long for one question before people notice. */
const SLOW_SECONDS = 0.25;
/** Signatures of Slack and codes of authenticators are judged by this machine's clock. */
const CLOCK_SECONDS = 5;

export async function checkStore({ store }: Pick<Config, "store">): Promise<readonly Finding[]> {
  const { databaseUrl, ownerUrl } = store;
  if (databaseUrl === undefined)
    return store.production
      ? [
          fail(
            "store",
            "There is no DATABASE_URL: the timeline would be in a folder of this machine.",
            "Give a PostgreSQL that survives the loss of what you fail over.",
          ),
        ]
      : [skip("store", "Practice keeps its own PostgreSQL.")];
  const seen = await inspectStore(databaseUrl).catch((error) => messageOf(error));
  if (typeof seen === "string")
    return [fail("store", `The store can't be reached: ${seen}.`, "Check DATABASE_URL, the network and the login.")];
  const { server, roundTripSeconds, readOnly, pending, login, clockAheadSeconds } = seen;
  const trip = `${Math.round(roundTripSeconds * 1000)} ms`;
  return [
    roundTripSeconds > SLOW_SECONDS
      ? warn(
          "store",
          `PostgreSQL ${server} answers in ${trip}: every click waits several of these.`,
          "Bring the bot nearer to its store.",
        )
      : ok("store", `PostgreSQL ${server} answers in ${trip}.`),
    readOnly
      ? fail(
          "store-writable",
          "The store takes no writes: it is a standby, or told to be read-only.",
          "Point DATABASE_URL at the primary.",
        )
      : ok("store-writable", "It takes writes."),
    pending.length > 0
      ? fail(
          "store-migrated",
          `The schema lacks ${pending.length} of this version's migrations.`,
          "`lifeboat migrate`, with DATABASE_OWNER_URL.",
        )
      : ok("store-migrated", "Its schema is this version's."),
    ...(pending.length > 0
      ? []
      : [
          login === null
            ? ok("store-login", "The login can add to the record and change nothing in it.")
            : fail("store-login", login.message, "See docs/record.md, Which database logins are there?"),
        ]),
    Math.abs(clockAheadSeconds) > CLOCK_SECONDS
      ? warn(
          "clock",
          `This machine's clock is ${Math.abs(Math.round(clockAheadSeconds))} s ${clockAheadSeconds > 0 ? "behind" : "ahead of"} the store's.`,
          "Synchronise both: codes and Slack's signatures are judged by this one.",
        )
      : ok("clock", "This machine's clock agrees with the store's."),
    ...(ownerUrl === undefined
      ? []
      : [
          warn(
            "store-owner",
            "DATABASE_OWNER_URL is set here: this host holds the login that can change the record.",
            "Migrate elsewhere (`lifeboat migrate`), and unset it for the bot.",
          ),
        ]),
  ];
}
