import { z } from "zod";
import { KEY_TYPES, parsePublicKey } from "../lib/ssh-key.ts";
import { alertsSchema, otherAlertsSchema } from "./alerts.ts";
import { backupsSchema } from "./backups.ts";
import { calendarSchema } from "./calendar.ts";
import { cadenceSchema, commsSchema, linksSchema } from "./comms.ts";
import { checklistsSchema, complianceSchema, contactsSchema } from "./compliance.ts";
import { cyclesSchema } from "./cycles.ts";
import { duration } from "./duration.ts";
import { inputSchema } from "./input.ts";
import { id, isTimeZone, mode, scalar, sentence } from "./schema-parts.ts";
import { sitesSchema, targetsSchema } from "./targets.ts";
import { triageSchema } from "./triage.ts";
import { unresolvedSchema } from "./unresolved.ts";

/**
 * How a system and a runbook are written. Unknown keys are refused everywhere. The descriptions are what editors show
 * (`json-schema.ts`) and what an error says is allowed.
 */

const name = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]*$/, "The name of a variable or input is one word in camelCase: primaryHost, lagSecondsMax");
const environmentName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]*$/, "The name of an environment variable is in capitals: ORDERS_DB_PASSWORD");

const objective = duration.nullable().optional();
const rto = objective.describe("Longest acceptable time without service: 15m. Left out: none is promised");
const rpo = objective.describe("Most data that may be lost, as time: 5m; 0s means none. Left out: none is promised");

const step = z.strictObject({ role: id.describe("A role of this system"), after: duration });
const byMinutes = z.array(step).describe("Who is asked next on silence, counted from the moment the gate opened");
const byRole = z
  .strictObject({
    roles: z.array(id).min(1, "At least one role").describe("From the lowest authority to the highest"),
    every: duration.describe("How long each has before the next is asked"),
  })
  .describe("Who is asked, one role after the other");
const chain = z
  .union([byMinutes, byRole])
  .describe("A gate whose role is in the chain enters it there; one without a role begins with the chain's first");

const component = z.strictObject({
  title: sentence,
  aliases: z.array(id).default([]).describe("Other words people type for it: db, postgres"),
  tier: id.optional().describe("A tier of this system: its RTO and RPO hold, where none is given here"),
  rto,
  rpo,
});

const tier = z.strictObject({
  title: sentence,
  rto,
  rpo,
  explains: sentence.optional().describe("What belongs to it, and what it costs"),
});

const role = z.strictObject({
  title: sentence,
  explains: sentence.describe("What the person who takes this role is told"),
  standing: z
    .boolean()
    .default(false)
    .describe("True for authority a person always has (VP Engineering), false for a role taken during an incident"),
});

const person = z.strictObject({
  name: sentence,
  slack: z
    .array(z.string().regex(/^[UW][A-Z0-9]{2,}$/, "A Slack user id is U or W and capitals and digits: U024BE7LH"))
    .default([])
    .describe("Slack user ids of this one person, all accounts"),
  roles: z.array(id).default([]).describe("Roles this person may hold, and decide as"),
  keys: z
    .array(
      z.string().refine((line) => parsePublicKey(line) !== null, `An OpenSSH public key on one line: ${KEY_TYPES}`),
    )
    .optional()
    .describe("OpenSSH public keys this person signs with at the command line: sk-ssh-ed25519@openssh.com AAAA…"),
  timezone: z
    .string()
    .refine(isTimeZone, "An IANA name: Europe/Berlin")
    .optional()
    .describe("Test pages come by day on this clock. An IANA name: Europe/Berlin. Left out: the system's"),
});

const seats = z
  .strictObject({
    confirm: z
      .literal("monthly")
      .optional()
      .describe("monthly: on the 1st, everyone who may decide confirms by DM or test page that they can be reached"),
    answerWithin: duration.default(7 * 86_400).describe("Who doesn't confirm within this time doesn't fill a seat; 7d"),
    drillsAYear: z
      .int()
      .min(1)
      .max(50)
      .optional()
      .describe("In so many drills a year everyone who may decide takes part"),
  })
  .describe("Whether the people who may decide are there: /dr seats");

const severity = z.strictObject({
  title: sentence,
  respondWithin: duration.describe("Someone works on it within this time: 15m"),
  examples: z.array(sentence).optional().describe("What is of this severity: Database down"),
});

const breakGlass = z
  .strictObject({
    roles: z.array(id).min(1, "At least one role").describe("Who may use break-glass"),
    secondPerson: z.boolean().default(true).describe("A second person has to confirm it, if there is one"),
    aloneAfter: duration.default(300).describe("Without a second person for so long, the first goes on alone"),
    lasts: duration.default(600).describe("What it opens has to start within this time"),
    silentFor: duration
      .default(120)
      .describe("Every level of the chain has been asked, and the last one has been silent for so long"),
    requesterAlone: sentence
      .optional()
      .describe(
        "Why the person who requested a run may go past its approval alone; absent: never without a second person",
      ),
  })
  .describe("Break-glass: the way past an unanswered gate, announced, recorded and reviewed by another person");

const variable = z
  .strictObject({
    type: z.enum(["string", "number", "boolean"]),
    description: sentence.describe("What it is and where an installation finds its value"),
    default: scalar
      .optional()
      .describe("Only where one value is right for every installation; else each gives its own"),
  })
  .refine(({ type, default: given }) => given === undefined || typeof given === type, {
    path: ["default"],
    error: "The default is not of the variable's own type",
  });

const script = z.strictObject({
  file: sentence.describe("Path inside this system's own folder: scripts/repoint.sh"),
  environment: z.array(environmentName).default([]).describe("Environment variables the script may see; no others"),
});

const pagerDutyId = z
  .string()
  .regex(/^[A-Z0-9]{4,20}$/, "An id of PagerDuty's is capitals and digits, as the address of its page ends: PT4KHLK");

const paging = z
  .strictObject({
    service: pagerDutyId.describe("PagerDuty service: what is triggered there is about this system"),
    routingKeyFrom: environmentName.describe("Environment variable with that service's Events API v2 integration key"),
    tokenFrom: environmentName.default("PAGERDUTY_TOKEN").describe("Environment variable with a REST API key"),
    from: z
      .string()
      .regex(/^[^\s@]+@[^\s@]+$/, "An e-mail address: lifeboat@example.com")
      .describe("E-mail address of the PagerDuty user in whose name pages are made"),
    policies: z
      .record(id, pagerDutyId)
      .default({})
      .describe("Role → escalation policy that says who is on call for it"),
    people: z.record(id, pagerDutyId).default({}).describe("Person of the roster → PagerDuty user"),
  })
  .describe("How people are woken: PagerDuty's ids for this system. Left out: no one is paged");

const accountPart = z
  .strictObject({
    account: z.string().min(1).describe("AWS account, in quotes, or a variable"),
    region: z.string().min(1).describe("AWS region, or a variable"),
    prefix: z.string().min(1).optional().describe("Names of its buckets and databases begin so: orders-"),
    tags: z.record(z.string(), z.string()).optional().describe("Or they have all of these tags: { System: orders }"),
  })
  .refine(({ prefix, tags }) => prefix !== undefined || Object.keys(tags ?? {}).length > 0, {
    message: "needs a prefix or tags: else a whole account would belong to it",
  });

export const systemSchema = z
  .strictObject({
    title: sentence,
    environment: z
      .enum(["practice", "production"])
      .describe("Practice systems run against the practice environment only; production systems never there"),
    timezone: z
      .string()
      .refine(isTimeZone, "An IANA name: Europe/Berlin")
      .optional()
      .describe("Reports say times on these clocks beside UTC. An IANA name: Europe/Berlin. Left out: UTC alone"),
    sites: sitesSchema.default({}),
    targets: targetsSchema.optional(),
    tiers: z.record(id, tier).optional().describe("Objectives that several components share"),
    components: z.record(id, component).describe("What can fail and be recovered, with its RTO and RPO"),
    roles: z.record(id, role),
    people: z.record(id, person).describe("The roster: the only source of who a person is and what they may decide"),
    severities: z.strictObject({ P0: severity, P1: severity, P2: severity, P3: severity }),
    declareWhen: z.array(sentence).optional().describe("When an incident is declared: Down for more than 5 minutes"),
    paging: paging.optional(),
    ifUnresolved: unresolvedSchema.optional(),
    escalation: z.record(id, chain).default({}).describe("Chains that gates name, so that each is written once"),
    breakGlass: breakGlass.optional(),
    administrators: z
      .array(id)
      .min(1, "At least one role")
      .optional()
      .describe("Roles that may reload the catalogue and the roster: /dr reload"),
    readiness: z
      .strictObject({
        tells: z
          .array(id)
          .min(1, "At least one role")
          .optional()
          .describe("Roles to mention in the channel when a runbook stops being ready, and when it's ready again"),
        certificateDays: z
          .number()
          .int()
          .min(0)
          .max(365)
          .optional()
          .describe("Days a certificate has to last, where a runbook moves to another site: else it isn't ready (14)"),
        accounts: z
          .array(accountPart)
          .min(1, "At least one")
          .max(20)
          .optional()
          .describe("What of AWS accounts belongs to the system: what is in no runbook is told as drift"),
        ignore: z
          .array(
            z.string().regex(/^[a-z][a-z-]*\/[^\s/][^\s]*$/, "Kind and name: database/scratch, deployment/debug-*"),
          )
          .min(1, "At least one")
          .optional()
          .describe(
            "What exists and needs no runbook: database/scratch, deployment/debug-*, bucket/logs, rds/tests. * stands for any letters",
          ),
      })
      .optional()
      .describe("Who keeps the runbooks ready. Left out: the administrators"),
    privateRoles: z
      .array(id)
      .optional()
      .describe("Roles whose holders are members of private incidents from the start; left out: incident-commander"),
    cadence: cadenceSchema.optional(),
    comms: commsSchema.optional(),
    links: linksSchema.optional(),
    triage: triageSchema.optional(),
    alerts: alertsSchema.optional(),
    otherAlerts: otherAlertsSchema.optional(),
    backups: backupsSchema.optional(),
    calendar: calendarSchema.optional(),
    seats: seats.optional(),
    cycles: cyclesSchema.optional(),
    checklists: checklistsSchema.optional(),
    compliance: complianceSchema.optional(),
    contacts: contactsSchema.optional(),
    variables: z.record(name, variable).default({}).describe("Values each installation gives in LIFEBOAT_VALUES"),
    scripts: z
      .record(id, script)
      .default({})
      .describe("Scripts that script.run may start: nothing else can be started"),
    manifests: z
      .record(id, sentence)
      .optional()
      .describe("Files inside this system's own folder that kubernetes.apply may apply: manifests/app.yml"),
  })
  .describe("A system: components, regions, roles and people");

const gate = z.strictObject({
  role: id.optional().describe("Who decides; left out: the first role of the chain that escalate names"),
  quorum: z.int().min(1, "At least one person decides").default(1).describe("How many distinct people"),
  expires: duration
    .default(600)
    .describe("How long an answer is awaited, and how long it is good for; 10m if left out"),
  escalate: z.union([id, byMinutes]).default([]).describe("The name of a chain of this system, or a chain"),
  remind: duration.default(120).describe("Without an answer, those asked are reminded this often; 0s: never"),
  exercise: z
    .literal(true)
    .optional()
    .describe("In a drill, this gate says on its card: PRODUCTION EXERCISE, this changes production"),
  stepUp: z.boolean().default(false).describe("True: who approves must have proved who they are once more"),
});

const condition = z.strictObject({
  step: id.describe("An earlier step"),
  fact: z.string().min(1).describe("A fact in that step's evidence: primaryReachable"),
  is: scalar,
});

/** What a step, or a whole stage, says to include another runbook of the system. */
const including = {
  towards: id.optional().describe("Only when the run goes to this site, where both ways really differ"),
  moves: id.optional().describe("Only when this target is not yet where the run goes"),
  inputs: z
    .record(name, scalar)
    .optional()
    .describe(
      `What its inputs are here: a value, or \${input.name} of this runbook. Left out: the input of the same name`,
    ),
  use: id.optional().describe("A runbook of this system whose steps stand here; their ids begin with this one's"),
  as: mode.optional().describe("The mode it is included in; left out: the mode of the run"),
  gates: z
    .enum(["keep", "drop"])
    .optional()
    .describe("drop: without its gates, where a gate before it asks for no less. Left out: with them"),
};

const runbookStep = z
  .strictObject({
    id,
    title: sentence,
    mode: mode.optional().describe("Only in this mode"),
    when: condition.optional().describe("Only when an earlier step found this"),
    ...including,
    action: z.string().min(1).optional().describe("postgres.promote; human.confirm for work by hand; wait for a pause"),
    with: z
      .record(z.string(), z.unknown())
      .optional()
      .describe(
        `The action's input. \${var.name}, \${input.name}, \${target.active}, \${component.id} and \${mode} are replaced; secrets are named, never given`,
      ),
    retries: z.int().min(0).max(5).optional().describe("Automatic attempts after the first"),
    timeout: duration
      .optional()
      .describe("Given up after so long, where that is sooner than the action's own limit: 5m"),
    gate: gate.optional().describe("A point that needs approvals; it covers every step up to the next gate"),
  })
  .meta({ oneOf: [{ required: ["action"] }, { required: ["gate"] }, { required: ["use"] }] });

const branch = runbookStep
  .extend({
    steps: z
      .array(runbookStep)
      .min(1, "A branch has at least one step")
      .optional()
      .describe("In a parallel stage: a branch. Its steps run one after the other, beside the other branches"),
  })
  .meta({
    oneOf: [{ required: ["action"] }, { required: ["gate"] }, { required: ["use"] }, { required: ["steps"] }],
  });

const stage = z
  .strictObject({
    id,
    title: sentence,
    parallel: z.boolean().default(false).describe("True: its steps run side by side"),
    within: duration
      .refine((seconds) => seconds > 0, "Something takes longer than no time at all")
      .optional()
      .describe("How long it should take: its clock is shown, and people are told when it is late; nothing is stopped"),
    steps: z.array(branch).min(1, "A stage has at least one step").optional(),
    mode: mode.optional().describe("With use: only in this mode"),
    when: condition
      .optional()
      .describe("With use: only when an earlier step found this; conditions of its own hold as well"),
    ...including,
  })
  .meta({ oneOf: [{ required: ["steps"] }, { required: ["use"] }] });

const startWords = z
  .string()
  .regex(/^(failover|restore) [a-z][a-z0-9-]*$/, "Written as two words: failover database, restore eu-west-1")
  .describe("`failover site` is typed with a site's own name: /dr failover eu-west-1 leaves it");

const direction = z
  .strictObject({
    of: id.describe("The target that is moved: from the site where it is active to one where it stands by"),
    agree: z.array(id).default([]).describe("Targets that have to be active at the same site"),
  })
  .describe(`Which way it goes is looked up when it is planned: \${from.…}, \${to.…}, \${target.from}, \${target.to}`);

export const runbookSchema = z
  .strictObject({
    title: sentence,
    summary: sentence.describe("When to use it and what it does, for a tired reader"),
    starts: startWords
      .or(z.array(startWords).min(1).max(2, "One line, and the one that leaves a site"))
      .optional()
      .describe("The /dr words that start it; left out: only /dr runbook <id>"),
    component: id.optional().describe("Its RTO and RPO hold for this runbook"),
    modes: z.array(mode).min(1, "At least one mode: planned, unplanned").default(["unplanned"]),
    inputs: z
      .record(name, inputSchema)
      .default({})
      .describe(
        "What differs each time, given as name=value by who starts it: which node, which revision, which moment",
      ),
    direction: direction.optional(),
    mends: z
      .literal("split-brain")
      .optional()
      .describe("It may be planned while two members take writes, to end that: the one promoted last is active"),
    rto,
    rpo,
    changes: sentence
      .optional()
      .describe(`What it changes, from where to where: orders database: writes move from \${var.a} to \${var.b}`),
    givesUp: z
      .array(sentence)
      .default([])
      .describe(
        "What is lost by it that no step can measure beforehand: everything since the backup. Shown to who decides",
      ),
    part: z
      .literal(true)
      .optional()
      .describe(
        "Only ever a part of others, by use: it leaves users without service by itself, and no one can start it",
      ),
    maintenance: z
      .literal(true)
      .optional()
      .describe("Planned work, such as a rebuild or a validation: its run opens a maintenance record, and no incident"),
    exercise: z
      .literal(true)
      .optional()
      .describe(
        "A declared production exercise: with --drill it changes production. Needs a gate with exercise: true before anything changes",
      ),
    probation: duration
      .optional()
      .describe(
        "How long the new side is watched after a run that moves something: 30m if left out, 0s for not at all. Then people commit or fail back",
      ),
    reprotect: id
      .optional()
      .describe("The runbook of this system that makes a standby again after this one; proposed until one streams"),
    drill: z
      .literal(true)
      .optional()
      .describe("It breaks what it is run on, to recover it: it can only be run as a drill, with --drill"),
    stages: z.array(stage).min(1, "A runbook has at least one stage"),
    beforehand: z
      .array(sentence)
      .default([])
      .describe("What has to be so before it can run, and what brings it about; said when it can't"),
    afterwards: z.array(sentence).default([]).describe("What is left to do when it is over"),
  })
  .describe("A runbook: what is done, in which order, and who decides");

/** What `with` holds where a person does the work (`action: human.confirm`). */
export const manualSchema = z.strictObject({
  instructions: sentence.describe("What to do, and how to see that it is done"),
  role: id.optional().describe("Who should do it"),
  atMost: duration
    .optional()
    .describe(
      "Without a confirmation within this time the run goes on by itself: only where going on is the safe side",
    ),
});

/** What `with` holds where time has to pass (`action: wait`). */
export const waitSchema = z.strictObject({ for: duration });

export const valuesSchema = z
  .record(z.string(), z.record(z.string(), scalar.nullable()).nullable())
  .describe("system id → variable → value");

export type WrittenSystem = z.output<typeof systemSchema>;
export type WrittenRunbook = z.output<typeof runbookSchema>;
export type WrittenStage = WrittenRunbook["stages"][number];
export type WrittenStep = NonNullable<WrittenStage["steps"]>[number];
