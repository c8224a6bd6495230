import { type FailureSuite, type Handmade, shownBy } from "../../support/failure-case.ts";

const FILE = "pgbackrest/restore.test.ts";
const ENDS =
  "nothing is answered but the program's own end; one that is not 0, as that of an ssh whose connection broke, is settled by looking, as a kill is";

const backup: Handmade = {
  action: "pgbackrest.backup",
  instead: {
    "killed before": shownBy(FILE, "a backup killed %s ends with exactly one more"),
    "killed during": shownBy(FILE, "killed while pgBackRest is at work: it is waited for, and no second one is made"),
    "killed after": shownBy(FILE, "a backup killed %s ends with exactly one more"),
    "reply lost": ENDS,
    "error after accepting": ENDS,
    refused: shownBy(FILE, "a pgBackRest that was stopped refuses, and one that hangs is ended; either made nothing"),
    hanging: shownBy(FILE, "a pgBackRest that was stopped refuses, and one that hangs is ended; either made nothing"),
    "answered, not done": shownBy(FILE, "an end with 0 is no evidence: what is not there is not believed"),
    "done by hand": shownBy(FILE, "one that someone made since the intent is taken for it"),
    "wrong state": shownBy(FILE, "killed while pgBackRest is at work: it is waited for, and no second one is made"),
    "another target": shownBy(FILE, "another stanza behind the same host is refused"),
  },
};

const restore: Handmade = {
  action: "pgbackrest.restore",
  instead: {
    "killed before": shownBy(FILE, "killed %s, it is looked for and never repeated by itself"),
    "killed during": shownBy(FILE, "killed %s, it is looked for and never repeated by itself"),
    "killed after": shownBy(FILE, "killed %s, it is looked for and never repeated by itself"),
    "reply lost": ENDS,
    "error after accepting": ENDS,
    refused: shownBy(
      FILE,
      "never while PostgreSQL runs; never a backup that is not there; never further than the log goes",
    ),
    hanging: shownBy(FILE, "a restore that is ended at its deadline is for a person, and what was there is there"),
    "answered, not done": shownBy(FILE, "an end with 0 is no evidence: what is not there is not believed"),
    "done by hand":
      "a folder that waits for its first start does not say who restored it, or what to: a person who asks for it means it",
    "wrong state": shownBy(
      FILE,
      "never while PostgreSQL runs; never a backup that is not there; never further than the log goes",
    ),
    "another target": shownBy(FILE, "another stanza behind the same host is refused"),
  },
};

/** A program on the database's own host: there is nothing between it and us that could be told faults. */
export const suite: FailureSuite = { cases: [], handmade: [backup, restore] };
