import { isIP } from "node:net";
import { join, resolve } from "node:path";
import { z } from "zod";
import { type AlertsConfig, isTopicArn } from "./alerts/config.ts";
import { nearest } from "./catalog/suggest.ts";
import type { CommsConfig } from "./comms/config.ts";
import type { ControlConfig } from "./control/index.ts";
import { type AnchorSettings, lockedBucketIn } from "./evidence/anchors.ts";
import type { Address } from "./http/addresses.ts";
import { isInternalAddress, kindOfAddress } from "./lib/address.ts";
import { parseDatabaseUrl } from "./lib/database-url.ts";
import { type Problem, sayProblem } from "./lib/errors.ts";
import { projectRoot } from "./lib/root.ts";
import type { PagingConfig } from "./paging/config.ts";
import { formerAddressesIn, formerNames, withCurrentNames } from "./renamed-settings.ts";
import type { SlackConfig } from "./slack/config.ts";
import { OTEL_VARIABLES, type OtelSettings, otelProblem, otelSettings } from "./telemetry/otel-settings.ts";
import { isSigningKey, isVerifyKey, type RecordKeys } from "./timeline/keys.ts";

/** All configuration, read from the environment once. Nothing else reads the environment, but for secrets by name. */
export interface Config {
  /** Slack is the local practice workspace: only practice systems run, only loopback is touched. */
  readonly practice: boolean;
  readonly store: {
    /** Undefined: an embedded PostgreSQL in the data folder. */
    readonly databaseUrl: string | undefined;
    readonly ownerUrl: string | undefined;
    readonly dataFolder: string;
    /** Where the newest heads this host has seen are kept. */
    readonly stateFolder: string;
    /** Undefined in practice: made and kept in the data folder. */
    readonly keys: RecordKeys | undefined;
    /** Nothing is made that an operator has to give: keys, and a login that is not the owner. */
    readonly production: boolean;
  };
  readonly catalog: {
    readonly systemsFolder: string;
    readonly valuesFile: string | undefined;
    readonly drillValuesFile: string | undefined;
  };
  /** Null only where Slack was not asked for. */
  readonly slack: SlackConfig | null;
  /** Null: no one is paged, because this is practice without its own pager. */
  readonly paging: PagingConfig | null;
  /** Where monitoring and PagerDuty post to; null: nowhere. */
  readonly webhooks: Address | null;
  readonly alerts: AlertsConfig;
  readonly comms: CommsConfig;
  /** What machines outside are told. */
  readonly telemetry: {
    /** Null: no one is told of events. */
    readonly webhooksFile: string | null;
    readonly traces: OtelSettings | null;
  };
  /** Where checkpoints of the record are placed outside the store. */
  readonly anchors: AnchorSettings;
  /** Where figures are published in CloudWatch; null: nowhere. */
  readonly cloudwatch: { readonly namespace: string; readonly region: string } | null;
  /** After the closing, until the incident's channel is archived; null: never. */
  readonly archiveAfterSeconds: number | null;
  /** Templates of links: `{issue}`, `{incident}`. */
  readonly links: { readonly issue: string | null; readonly bridge: string | null };
  /** 32 bytes secrets of people are kept with; null: no one can enroll a proof of who they are. */
  readonly secretKeys: readonly Buffer[];
  /** What someone has just enrolled proves nothing for so long, unless someone vouches; 0: it counts at once. */
  readonly mfaCooldownHours: number;
  /** How often every runbook is proven ready; 0: never by itself. */
  readonly readinessMinutes: number;
  /** Sites in which a bot and a copy of its store run; empty: no one said. */
  readonly sites: readonly string[];
  /** How often the old primary of a promotion is looked at. */
  readonly watchSeconds: number;
  /** How the bot is reached by `lifeboat dr`. */
  readonly cli: ControlConfig;
  /** Do approvals count while Slack can't say whether who gave them is still a member? */
  readonly slackUnavailable: SlackConfig["slackUnavailable"];
  /** How long a stop waits for steps under way; null: longer than any of the catalogue usually takes. */
  readonly drainSeconds: number | null;
  /** The operating system's user scripts run as; null: ours. */
  readonly scriptUser: string | null;
  /** Null: not served. */
  readonly health: Address | null;
  readonly logLevel: string;
}

export type LoadedConfig =
  | {
      readonly ok: true;
      readonly config: Config;
      /** Settings given under names of before, each with its current one. */
      readonly renamed: Readonly<Record<string, string>>;
    }
  /** Every problem, a line each. No value that could be a secret is in it. */
  | { readonly ok: false; readonly problems: string };

const port = z
  .string()
  .regex(/^\d{1,5}$/, "A port is a number from 0 to 65535")
  .transform(Number)
  .refine((number) => number <= 65_535, "A port is a number from 0 to 65535");

/** `3000`: a port of loopback. `0.0.0.0:3000`, `[::]:3000`: of that address. */
const listenAddress = z
  .string()
  .transform((text) => (/^\d{1,5}$/.test(text) ? { host: null, port: Number(text) } : addressIn(text)))
  .refine(
    ({ host, port: number }) => (host === null || isIP(host) !== 0) && number <= 65_535,
    "A port of loopback, or an address and a port: 3000, 0.0.0.0:3000, [::]:3000",
  );

const databaseUrl = z
  .string()
  .refine(
    (url) => parseDatabaseUrl(url) !== null,
    "An address like postgres://user@host:5432/lifeboat, with commas between several hosts",
  );

/** Blanks and one letter again and again are what someone typed to get past a check. */
const signingSecret = z
  .string()
  .refine(
    (secret) => /^\S{16,200}$/.test(secret) && new Set(secret).size >= 6,
    "It is shown under Basic Information of your Slack app, 32 characters",
  )
  .optional();

/** Several while one is changed: the old and the new. */
const secrets = z
  .string()
  .transform((text) => text.split(",").map((secret) => secret.trim()))
  .refine(
    (list) => list.every((secret) => /^\S{16,200}$/.test(secret)),
    "Secrets of 16 characters or more, with commas",
  )
  .optional();

/** Of AWS. */
const REGION = /^[a-z]{2}(?:-[a-z]{2,9}){1,3}-\d{1,2}$/;

const settings = z.object({
  DATABASE_URL: databaseUrl
    .optional()
    .describe(
      "PostgreSQL that keeps the timeline; of several hosts (`@a:5432,b:5432/`) the one that takes writes. Unset: an embedded PostgreSQL in `LIFEBOAT_DATA`",
    ),
  DATABASE_OWNER_URL: databaseUrl
    .optional()
    .describe("The same database as a user who may migrate it. Unset: `DATABASE_URL`"),
  LIFEBOAT_EVENT_KEYS: z
    .string()
    .transform((text) => text.split(",").map((key) => key.trim()))
    .refine(
      (keys) => keys.every((key) => /^[A-Za-z0-9+/]{43}=$/.test(key)),
      "Keys of 32 random bytes in base64, with commas",
    )
    .optional()
    .describe(
      "Keys events are authenticated with, 32 random bytes in base64 each, with commas: the first writes, the others are accepted. " +
        "`lifeboat keys` makes one. Required outside practice",
    ),
  LIFEBOAT_SIGNING_KEY: z
    .string()
    .refine(isSigningKey, "An Ed25519 private key, PKCS #8 in base64 or PEM: lifeboat keys makes one")
    .optional()
    .describe("Ed25519 key that signs the heads of timelines. `lifeboat keys` makes one. Required outside practice"),
  LIFEBOAT_VERIFY_KEYS: z
    .string()
    .transform((text) => text.split(",").map((key) => key.trim()))
    .refine((keys) => keys.every(isVerifyKey), "Ed25519 public keys, SPKI in base64, with commas")
    .optional()
    .describe("Public keys of earlier signing keys, with commas; all an auditor needs for `lifeboat verify`"),
  LIFEBOAT_STATE: z
    .string()
    .optional()
    .describe(
      "Folder that outlives the bot and its store: which heads of timelines were seen here, so that a store that comes back older is " +
        "noticed. Unset: `LIFEBOAT_DATA`",
    ),
  LIFEBOAT_DATA: z.string().default(".lifeboat").describe("Folder for what Lifeboat keeps on this machine"),
  LIFEBOAT_SYSTEMS: z
    .string()
    .optional()
    .describe(
      "Folder of your systems: `<system>/system.yml` and `<system>/runbooks/*.yml`. Unset: `templates/systems`",
    ),
  LIFEBOAT_VALUES: z
    .string()
    .optional()
    .describe("YAML file with this installation's values: system id → variable → value"),
  LIFEBOAT_DRILL_VALUES: z
    .string()
    .optional()
    .describe(
      "The same for the drill environment: where `--drill` runs. It may share no address or identity with production's values. " +
        "Unset: only production exercises and runbooks that look can be drilled",
    ),
  SLACK_BOT_TOKEN: z
    .string()
    .regex(/^xoxb-[\w-]+$/, "A bot token begins with xoxb-")
    .describe("Bot token of your Slack app, `xoxb-…`. Required"),
  SLACK_APP_TOKEN: z
    .string()
    .regex(/^xapp-[\w-]+$/, "An app-level token begins with xapp-")
    .optional()
    .describe("App-level token, `xapp-…`, for socket mode. This or `SLACK_SIGNING_SECRET`"),
  SLACK_SIGNING_SECRET: signingSecret.describe(
    "Signing secret, for HTTP: Slack sends to `/slack/events` of the public address",
  ),
  SLACK_SIGNING_SECRET_PREVIOUS: signingSecret.describe(
    "The signing secret before, while it is changed: what is signed with either is heard. Unset it when Slack shows only the new one",
  ),
  SLACK_APP_ID: z
    .string()
    .regex(/^A[A-Z0-9]+$/, "An app id is A and capitals and digits")
    .optional()
    .describe("Deliveries for another app are refused. Unset: Slack names it when a socket opens"),
  SLACK_API_URL: z
    .string()
    .refine(isLoopbackUrl, "Only the practice workspace on this machine: http://127.0.0.1:4180/api/")
    .optional()
    .describe("The practice workspace on this machine. Setting it means practice"),
  SLACK_ALLOWED_TEAMS: z
    .string()
    .transform((text) => text.split(",").map((id) => id.trim()))
    .refine((ids) => ids.every((id) => /^[TE][A-Z0-9]+$/.test(id)), "Team ids (T…) or enterprise ids (E…), with commas")
    .optional()
    .describe("Workspaces whose members may speak to the bot. Unset: the one its token belongs to, and no other"),
  LIFEBOAT_PUBLIC_LISTEN: listenAddress
    .optional()
    .describe(
      "Public address: Slack's deliveries over HTTP, webhooks of PagerDuty and monitoring, and the status page, by path. `3000` is a port of loopback, for a proxy " +
        "beside the bot; in a container `0.0.0.0:3000`. Unset: `3000` where somebody sends here; the status page is only written",
    ),
  LIFEBOAT_INTERNAL_LISTEN: listenAddress
    .optional()
    .describe(
      "Internal address: `GET /live`, `/ready` and `/metrics`. `8080` is a port of loopback; `0.0.0.0:8080` for a probe from outside. Keep it from the " +
        "internet. Unset: not served",
    ),
  PAGERDUTY_REGION: z
    .enum(["us", "eu"], "Allowed: us, eu")
    .default("us")
    .describe(
      "Where your PagerDuty account is. What is paged, and with which keys, stands in `paging:` of each system",
    ),
  PAGERDUTY_WEBHOOK_SECRETS: secrets.describe(
    "Secrets PagerDuty signs its webhooks with, with commas: the old and the new while one is changed. They go to `/pagerduty/webhook` of the public address. Unset: not served",
  ),
  LIFEBOAT_ALERTMANAGER_SECRETS: secrets.describe(
    "Secrets Alertmanager sends to `/alerts/alertmanager`, as a bearer token or the password of the user `lifeboat`. With commas: the old " +
      "and the new while one is changed. Unset: not served",
  ),
  LIFEBOAT_GRAFANA_SECRETS: secrets.describe(
    "The same for Grafana and `/alerts/grafana`, which may also sign with one (HMAC, with `X-Grafana-Alerting-Timestamp`)",
  ),
  LIFEBOAT_CLOUDWATCH_TOPICS: z
    .string()
    .transform((text) => text.split(",").map((topic) => topic.trim()))
    .refine((topics) => topics.every(isTopicArn), "ARNs of SNS topics: arn:aws:sns:us-east-1:123456789012:alarms")
    .optional()
    .describe(
      "ARNs of the SNS topics whose CloudWatch alarms are accepted at `/alerts/cloudwatch`, with commas. Unset: not served",
    ),
  LIFEBOAT_ALERT_SECRETS: secrets.describe(
    "Secrets any other sender signs with (HMAC-SHA256) at `/alerts/generic`, with commas. Unset: not served",
  ),
  PAGERDUTY_API_URL: z
    .string()
    .refine(isLoopbackUrl, "Only the practice pager on this machine: http://127.0.0.1:4181")
    .optional()
    .describe("The practice pager on this machine. Only in practice, where nobody is paged without it"),
  SMTP_URL: z
    .string()
    .refine((url) => /^smtps?:$/.test(protocolOf(url)), "An address like smtp://user:password@mail.example.com:587")
    .optional()
    .describe("Mail server updates go out by, `smtp://` or `smtps://`. Unset: no mail goes out"),
  MAIL_FROM: z
    .string()
    .regex(/^(?:[^<>\r\n]+ <[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/, "Lifeboat <incidents@example.com>")
    .optional()
    .describe("Whom mail comes from: `Lifeboat <incidents@example.com>`. Required with `SMTP_URL`"),
  STATUSPAGE_API_KEY: z
    .string()
    .regex(/^[\w-]{8,200}$/, "A key as Statuspage shows it under API info")
    .optional()
    .describe("Key of Atlassian Statuspage. The page itself stands in `comms:` of each system. Unset: not used"),
  STATUSPAGE_API_URL: z
    .string()
    .refine(isLoopbackUrl, "Only the stand-in on this machine: http://127.0.0.1:4180/comms/v1")
    .optional()
    .describe("The practice stand-in for Statuspage on this machine. Only in practice"),
  STATUS_PAGE_FOLDER: z
    .string()
    .optional()
    .describe("Folder the built-in status page is written to, `index.html`. Unset: `status-page` in `LIFEBOAT_DATA`"),
  LIFEBOAT_WEBHOOKS: z
    .string()
    .optional()
    .describe(
      "YAML file of receivers that events are posted to, signed ([what is in it](../operations/events.md)). Unset: none",
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .optional()
    .describe("Collector that runs are exported to as traces, over HTTP: `http://collector:4318`. Unset: none"),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.string().optional().describe("The same for traces alone, with its whole path"),
  OTEL_EXPORTER_OTLP_HEADERS: z.string().optional().describe("Headers for the collector: `key=value,key=value`"),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: z.string().optional().describe("The same for traces alone"),
  OTEL_EXPORTER_OTLP_TIMEOUT: z
    .string()
    .regex(/^\d{1,6}$/, "Milliseconds")
    .optional()
    .describe("Milliseconds an export may take; 10,000 if unset"),
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: z
    .string()
    .regex(/^\d{1,6}$/, "Milliseconds")
    .optional()
    .describe("The same for traces alone"),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.string().optional().describe("`http/json` is what is sent. `grpc` is refused"),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: z.string().optional().describe("The same for traces alone"),
  OTEL_TRACES_EXPORTER: z.string().optional().describe("Anything but `otlp` exports no traces"),
  OTEL_SERVICE_NAME: z.string().optional().describe("`service.name` of traces; `lifeboat` if unset"),
  OTEL_RESOURCE_ATTRIBUTES: z.string().optional().describe("Attributes of the resource: `key=value,key=value`"),
  OTEL_SDK_DISABLED: z.string().optional().describe("`true`: no traces"),
  STATUS_PAGE_LINK: z
    .string()
    .refine((url) => /^https?:$/.test(protocolOf(url)), "An address like https://status.example.com")
    .optional()
    .describe("Where readers find the built-in status page; updates point there"),
  LIFEBOAT_ANNOUNCE_CHANNEL: z
    .string()
    .regex(/^#?[\p{L}\p{N}_-]{1,80}$/u, "A channel's name or id: incident-response")
    .transform((name) => name.replace(/^#/, ""))
    .default("incident-response")
    .describe(
      "Channel incidents are announced in when they were not declared in one Lifeboat can post in: a public channel's name, or an id. It must exist",
    ),
  LIFEBOAT_ANCHOR_CHANNEL: z
    .string()
    .regex(/^#?[\p{L}\p{N}_-]{1,80}$/u, "A channel's name or id: audit-log")
    .transform((name) => name.replace(/^#/, ""))
    .optional()
    .describe(
      "Channel checkpoints of the record are posted in, once a day and after each incident: a public channel's name, or an id. Unset: none are",
    ),
  LIFEBOAT_ANCHOR_MAIL: z
    .string()
    .transform((text) => text.split(",").map((address) => address.trim()))
    .refine(
      (addresses) => addresses.every((address) => /^[^\s@<>]+@[^\s@<>]+$/.test(address)),
      "Addresses with commas: auditor@example.com",
    )
    .optional()
    .describe("Addresses checkpoints are mailed to, with commas. It takes `SMTP_URL`. Unset: none are"),
  LIFEBOAT_ANCHOR_TSA: z
    .string()
    .refine((url) => /^https?:$/.test(protocolOf(url)), "An address like https://timestamp.example.com")
    .optional()
    .describe("Address of a timestamp authority (RFC 3161) that stamps each checkpoint. Unset: none does"),
  LIFEBOAT_ANCHOR_S3: z
    .string()
    .transform((text, issues) => {
      const place = lockedBucketIn(text);
      if (place === null)
        issues.addIssue("An address like s3://audit-log/lifeboat?region=eu-central-1&account=111122223333&days=1095");
      return place;
    })
    .optional()
    .describe(
      "Bucket with S3 Object Lock in which each checkpoint is put in mode COMPLIANCE: `s3://<bucket>/<prefix>?region=…&days=…` with `account=` (AWS) or `endpoint=` (another S3). " +
        "`days`, 1,095 if left out, is how long nobody can delete one. Unset: none is put anywhere",
    ),
  LIFEBOAT_CLOUDWATCH_METRICS: z
    .string()
    .transform((text) => {
      const [namespace = "", region = "", ...more] = text.split("@");
      return { namespace, region: more.length === 0 ? region : "" };
    })
    .refine(
      ({ namespace, region }) => /^[\w./#:-]{1,255}$/.test(namespace) && REGION.test(region),
      "A namespace and a region: Lifeboat/DR@us-east-1",
    )
    .optional()
    .describe(
      "Namespace and region of CloudWatch in which drill compliance, backup success, readiness and the newest recovery times are published every 5 min: `Lifeboat/DR@us-east-1`. Unset: nowhere",
    ),
  LIFEBOAT_ARCHIVE_DAYS: z
    .string()
    .regex(/^\d{1,4}(\.\d{1,6})?$/, "Days: 7")
    .transform(Number)
    .optional()
    .describe(
      "Days after an incident is closed until its channel is archived, which is said there before. Unset: never, because many apps may not take it " +
        "back; reopening such an incident then makes a new channel",
    ),
  LIFEBOAT_ISSUE_URL: z
    .string()
    .refine(
      (url) => /^https?:$/.test(protocolOf(url)) && url.includes("{issue}"),
      "https://tracker.example.com/{issue}",
    )
    .optional()
    .describe(
      "Where an issue of your tracker is, with `{issue}` for its key: `/dr action add … --issue OPS-12` links it",
    ),
  LIFEBOAT_BRIDGE_URL: z
    .string()
    .refine((url) => /^https?:$/.test(protocolOf(url)), "https://meet.example.com/{incident}")
    .optional()
    .describe("The video bridge of an incident, with `{incident}` for its name (`inc-42`): a link on its status card"),
  SLACK_RATE: z
    .string()
    .regex(/^\d{1,3}$/, "A whole number, 1 to 100")
    .transform(Number)
    .refine((times) => times >= 1 && times <= 100, "1 to 100")
    .default(1)
    .describe(
      "How many times as fast as Slack's documented rate limits messages are posted and edited. More than 1 only in practice, for tests " +
        "that play runbooks one after the other",
    ),
  LIFEBOAT_SLACK_UNAVAILABLE: z
    .enum(["refuse", "cached", "roster"], "Allowed: refuse, cached, roster")
    .default("refuse")
    .describe(
      "May an approved step start while Slack can't say whether its approvers are still members? `refuse`: no. `cached`: yes, if " +
        "Slack confirmed it within `LIFEBOAT_SLACK_MEMBERSHIP_MINUTES`. `roster`: the roster decides. The timeline says whenever one " +
        "counts without Slack's answer; an account that Slack last called deactivated never does",
    ),
  LIFEBOAT_SLACK_MEMBERSHIP_MINUTES: z
    .string()
    .regex(/^\d{1,4}$/, "Minutes")
    .transform(Number)
    .refine((minutes) => minutes >= 1 && minutes <= 1440, "1 to 1440 minutes")
    .default(15)
    .describe(
      "With `cached`: how old Slack's last answer on an approver may be. It is known to the bot that asked, until that bot ends",
    ),
  LIFEBOAT_SECRET_KEY: z
    .string()
    .regex(/^[A-Za-z0-9+/]{43}=(?:,[A-Za-z0-9+/]{43}=){0,4}$/, "32 random bytes in base64: openssl rand -base64 32")
    .optional()
    .describe(
      "Key the secrets of `/dr enroll` are kept with: 32 random bytes in base64. While it is changed, the new and the old with a comma: what the old one kept is kept anew when it is next proved with. Unset: nobody can enroll, and gates with " +
        "`stepUp` are approved by nobody",
    ),
  LIFEBOAT_MFA_COOLDOWN_HOURS: z
    .string()
    .regex(/^\d{1,3}$/, "Whole hours, 0 to 999")
    .transform(Number)
    .optional()
    .describe(
      "What somebody has just enrolled counts after so many hours, or when somebody vouches (`/dr vouch`). 0: at once. Unset: 24, " +
        "and 0 in practice",
    ),
  LIFEBOAT_CLI_USERS: z
    .string()
    .transform((text) => text.split(",").map((pair) => pair.trim()))
    .refine(
      (pairs) => pairs.every((pair) => /^[\w.-]{1,64}=[\w.-]{1,100}$/.test(pair)),
      "Pairs of an operating system's user and a person's id, with commas: kim=dana-kim,erin=erin-walsh",
    )
    .transform((pairs) => new Map(pairs.map((pair) => pair.split("=") as [string, string])))
    .optional()
    .describe(
      "Who a user of the bot's machine (name or number) is for `lifeboat dr`: `kim=dana-kim,erin=erin-walsh`. Read by the bot only. " +
        "Everyone else signs with a key of the roster, or gives the code of `/dr enroll`",
    ),
  LIFEBOAT_CLI_SOCKET: z
    .string()
    .optional()
    .describe(
      "Unix socket the bot answers `lifeboat dr` on, in a folder that only its owner may write to. Unset: `bot.sock` in " +
        "`RUNTIME_DIRECTORY` (systemd), else `run/bot.sock` in `LIFEBOAT_DATA`",
    ),
  RUNTIME_DIRECTORY: z.string().optional().describe("Set by systemd (`RuntimeDirectory=lifeboat`)"),
  LIFEBOAT_CLI_LISTEN: z
    .string()
    .refine(isInternalListen, "An internal address and a port: 10.0.3.7:8443. Never one that the internet reaches")
    .optional()
    .describe(
      "Internal address `lifeboat dr` is answered on over HTTPS, for machines without a bot: `10.0.3.7:8443`. Unset: not served",
    ),
  LIFEBOAT_CLI_TLS_CERT: z.string().optional().describe("Certificate for `LIFEBOAT_CLI_LISTEN`, a PEM file"),
  LIFEBOAT_CLI_TLS_KEY: z.string().optional().describe("Its private key, a PEM file"),
  LOG_LEVEL: z
    .enum(
      ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
      "Allowed: trace, debug, info, warn, error, fatal, silent",
    )
    .default("info")
    .describe("Logs of this level and above, as JSON lines on standard error"),
  LIFEBOAT_SPLIT_BRAIN_CHECK_SECONDS: z
    .string()
    .regex(/^\d{1,4}(\.\d+)?$/, "Seconds")
    .transform(Number)
    .refine((seconds) => seconds >= 0.1 && seconds <= 3600, "0.1 to 3600 seconds")
    .default(60)
    .describe(
      "For a day after a promotion the old primary is looked at this often, in seconds, in case it comes back and takes writes",
    ),
  LIFEBOAT_READINESS_MINUTES: z
    .string()
    .regex(/^\d{1,4}$/, "Whole minutes, 0 to 1440")
    .transform(Number)
    .refine((minutes) => minutes <= 1440, "0 to 1440 minutes")
    .default(30)
    .describe(
      "Every runbook is proven ready this often, by its own read-only preflight, and after every edit. 0: only on demand",
    ),
  LIFEBOAT_SITES: z
    .string()
    .transform((text) =>
      text
        .split(",")
        .map((site) => site.trim())
        .filter((site) => site !== ""),
    )
    .optional()
    .describe(
      "Sites (ids of `sites` in system.yml, such as us-east-1) in which a bot and a copy of its store run, with commas. A runbook that leaves the only one is not ready. Left out: it isn't asked",
    ),
  LIFEBOAT_DRAIN_SECONDS: z
    .string()
    .regex(/^\d{1,5}$/, "Whole seconds, 0 to 99999")
    .transform(Number)
    .optional()
    .describe(
      "When it is told to stop, Lifeboat starts nothing more and waits this many seconds for steps under way, then hands them over. " +
        "Unset: longer than the longest step of your runbooks usually takes (it is logged at the start), and 5 in practice",
    ),
  LIFEBOAT_SCRIPT_USER: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, "The name of a user of the operating system")
    .optional()
    .describe(
      "User of the operating system that scripts run as, so that they can't read Lifeboat's own secrets. Lifeboat has to run as root for it. " +
        "Unset: the same as Lifeboat",
    ),
});

/** Read until 0.3, see `renamed-settings.ts`: each part had a port of its own, all at one host. */
const formerAddresses = {
  PORT: port.optional(),
  LISTEN_HOST: z
    .string()
    .regex(/^(?:[\w.:-]{1,253}|\[[\w.:%-]{2,60}\])$/, "An address or a name: 127.0.0.1, ::1, 0.0.0.0")
    .transform((host) => host.replace(/^\[|\]$/g, ""))
    .optional(),
  PAGERDUTY_WEBHOOK_PORT: port.optional(),
  STATUS_PAGE_PORT: port.optional(),
  HEALTH_PORT: port.optional(),
};
const allSettings = settings.extend(formerAddresses);

/** The one who practises does not wait for it. */
const PRACTICE_DRAIN_SECONDS = 5;

type Setting = keyof typeof allSettings.shape;
type Settings = z.output<typeof allSettings>;

const slackOnly: readonly Setting[] = [
  "SLACK_BOT_TOKEN",
  "SLACK_APP_TOKEN",
  "SLACK_SIGNING_SECRET",
  "SLACK_SIGNING_SECRET_PREVIOUS",
];

/**
 * Reads the whole configuration and says everything that is wrong with it at once. An empty value is an unset one.
 * `slack: false` is for what does not speak to Slack: its tokens are then neither needed nor looked at.
 * `bot`: it writes the timeline, so it needs the keys for that.
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  { slack = true, bot = slack }: { readonly slack?: boolean; readonly bot?: boolean } = {},
): LoadedConfig {
  const current = withCurrentNames(env);
  const names = (Object.keys(allSettings.shape) as Setting[]).filter((name) => slack || !slackOnly.includes(name));
  const given = Object.fromEntries(names.flatMap((name) => (current.env[name] ? [[name, current.env[name]]] : [])));
  const schema = slack ? allSettings : allSettings.partial({ SLACK_BOT_TOKEN: true });
  const parsed = schema.safeParse(given);
  const problems = [
    ...(parsed.error?.issues ?? []).map((issue) =>
      problemOf(String(issue.path[0]) as Setting, issue.message, given, current.renamed),
    ),
    ...current.problems,
    ...addressProblems(parsed.data as Settings | undefined),
    ...misspelt(current.env),
    ...(slack ? slackSettingProblems(given) : []),
    ...(bot ? keyProblems(given) : []),
    ...cliProblems(given),
    ...pagingProblems(given),
    ...webhookProblems(given),
    ...commsProblems(given),
    ...telemetryProblems(given),
  ];
  if (!parsed.success || problems.length > 0) {
    return { ok: false, problems: problems.map((problem) => `${sayProblem(problem)}\n`).join("") };
  }
  return {
    ok: true,
    config: configOf(parsed.data as Settings, slack),
    renamed: { ...current.renamed, ...formerAddressesIn(given) },
  };
}

/** The reference of all settings, as a Markdown table. */
export function configurationTable(): string {
  const rows = Object.entries(settings.shape).map(([name, schema]) => {
    const initial = schema.safeParse(undefined).data;
    const before = formerNames(name).map((former) => `\`${former}\``);
    const renamed = before.length === 0 ? "" : ` Before 0.2: ${before.join(", ")}, read until 0.3.`;
    return `| \`${name}\` | ${initial === undefined ? "" : `\`${String(initial)}\``} | ${schema.description ?? ""}.${renamed} |`;
  });
  return ["| setting | default | what it is |", "|---|---|---|", ...rows, ""].join("\n");
}

function configOf(read: Settings, slack: boolean): Config {
  return {
    practice: read.SLACK_API_URL !== undefined,
    store: {
      databaseUrl: read.DATABASE_URL,
      ownerUrl: read.DATABASE_OWNER_URL,
      dataFolder: resolve(read.LIFEBOAT_DATA),
      stateFolder: resolve(read.LIFEBOAT_STATE ?? read.LIFEBOAT_DATA),
      keys: keysOf(read),
      production: read.SLACK_API_URL === undefined,
    },
    catalog: {
      systemsFolder: resolve(read.LIFEBOAT_SYSTEMS ?? join(projectRoot(), "templates", "systems")),
      valuesFile: read.LIFEBOAT_VALUES === undefined ? undefined : resolve(read.LIFEBOAT_VALUES),
      drillValuesFile: read.LIFEBOAT_DRILL_VALUES === undefined ? undefined : resolve(read.LIFEBOAT_DRILL_VALUES),
    },
    slack: slack ? slackOf(read) : null,
    archiveAfterSeconds: read.LIFEBOAT_ARCHIVE_DAYS === undefined ? null : read.LIFEBOAT_ARCHIVE_DAYS * 86_400,
    links: { issue: read.LIFEBOAT_ISSUE_URL ?? null, bridge: read.LIFEBOAT_BRIDGE_URL ?? null },
    paging: pagingOf(read),
    webhooks: addressesOf(read).webhooks,
    alerts: {
      alertmanager: read.LIFEBOAT_ALERTMANAGER_SECRETS ?? [],
      grafana: read.LIFEBOAT_GRAFANA_SECRETS ?? [],
      cloudwatch: read.LIFEBOAT_CLOUDWATCH_TOPICS ?? [],
      generic: read.LIFEBOAT_ALERT_SECRETS ?? [],
    },
    anchors: {
      channel: read.LIFEBOAT_ANCHOR_CHANNEL ?? null,
      mail: read.SMTP_URL === undefined ? [] : (read.LIFEBOAT_ANCHOR_MAIL ?? []),
      authority: read.LIFEBOAT_ANCHOR_TSA ?? null,
      lock: read.LIFEBOAT_ANCHOR_S3 ?? null,
    },
    comms: commsOf(read),
    telemetry: telemetryOf(read),
    cloudwatch: read.LIFEBOAT_CLOUDWATCH_METRICS ?? null,
    cli: cliOf(read),
    slackUnavailable: read.LIFEBOAT_SLACK_UNAVAILABLE,
    mfaCooldownHours: read.LIFEBOAT_MFA_COOLDOWN_HOURS ?? (read.SLACK_API_URL === undefined ? 24 : 0),
    secretKeys: (read.LIFEBOAT_SECRET_KEY?.split(",") ?? []).map((key) => Buffer.from(key, "base64")),
    readinessMinutes: read.LIFEBOAT_READINESS_MINUTES,
    sites: read.LIFEBOAT_SITES ?? [],
    watchSeconds: read.LIFEBOAT_SPLIT_BRAIN_CHECK_SECONDS,
    drainSeconds: read.LIFEBOAT_DRAIN_SECONDS ?? (read.SLACK_API_URL === undefined ? null : PRACTICE_DRAIN_SECONDS),
    scriptUser: read.LIFEBOAT_SCRIPT_USER ?? null,
    health: addressesOf(read).health,
    logLevel: read.LOG_LEVEL,
  };
}

/** What is served where. What has the same address shares one server. */
function addressesOf(read: Settings) {
  const host = read.LISTEN_HOST ?? "127.0.0.1";
  const at = (port: number | undefined): Address | null => (port === undefined ? null : { host, port });
  const whole = (given: Settings["LIFEBOAT_PUBLIC_LISTEN"]) => given && { ...given, host: given.host ?? host };
  const open = whole(read.LIFEBOAT_PUBLIC_LISTEN);
  const shared = open ?? { host, port: read.PORT ?? 3000 };
  const hears = SENDERS.some((name) => read[name] !== undefined);
  return {
    slack: shared,
    webhooks: at(read.PAGERDUTY_WEBHOOK_PORT) ?? (hears ? shared : null),
    statusPage: at(read.STATUS_PAGE_PORT) ?? open ?? null,
    health: whole(read.LIFEBOAT_INTERNAL_LISTEN) ?? at(read.HEALTH_PORT),
  };
}

/** An address that is given in the old way and the new, and differs. */
function addressProblems(read: Settings | undefined): Problem[] {
  if (read === undefined) return [];
  const { LIFEBOAT_PUBLIC_LISTEN: open, LIFEBOAT_INTERNAL_LISTEN: internal } = read;
  const differs = (former: keyof typeof formerAddresses, current: string, same: boolean): Problem[] => {
    if (read[former] === undefined || same) return [];
    const next = `Unset ${former}: ${current} replaces it`;
    return [{ code: "config", where: `${former} and ${current}`, what: "Both say where to listen, and differ", next }];
  };
  const atPublic = (["PORT", "PAGERDUTY_WEBHOOK_PORT", "STATUS_PAGE_PORT"] as const).flatMap((former) =>
    differs(former, "LIFEBOAT_PUBLIC_LISTEN", open === undefined || open.port === read[former]),
  );
  const host = open?.host ?? null;
  return [
    ...atPublic,
    ...differs("HEALTH_PORT", "LIFEBOAT_INTERNAL_LISTEN", internal === undefined || internal.port === read.HEALTH_PORT),
    ...differs("LISTEN_HOST", "LIFEBOAT_PUBLIC_LISTEN", host === null || host === read.LISTEN_HOST),
  ];
}

function keysOf(read: Settings): RecordKeys | undefined {
  const { LIFEBOAT_EVENT_KEYS: events, LIFEBOAT_SIGNING_KEY: signing, LIFEBOAT_VERIFY_KEYS: verifying } = read;
  if (events === undefined && signing === undefined && verifying === undefined) return undefined;
  return { events: events ?? [], signing: signing ?? null, verifying: verifying ?? [] };
}

function cliOf(read: Settings): ControlConfig {
  const { RUNTIME_DIRECTORY: runtime, LIFEBOAT_CLI_LISTEN: listen } = read;
  const { LIFEBOAT_CLI_TLS_CERT: certificateFile, LIFEBOAT_CLI_TLS_KEY: keyFile } = read;
  // systemd gives several with colons between them.
  const folder = runtime?.split(":")[0] ?? join(read.LIFEBOAT_DATA, "run");
  return {
    socket: resolve(read.LIFEBOAT_CLI_SOCKET ?? join(folder, "bot.sock")),
    tls:
      listen === undefined || certificateFile === undefined || keyFile === undefined
        ? null
        : { ...addressIn(listen), certificateFile, keyFile },
    people: read.LIFEBOAT_CLI_USERS ?? new Map(),
  };
}

function slackOf(read: Settings): SlackConfig {
  const teams = read.SLACK_ALLOWED_TEAMS ?? [];
  return {
    botToken: read.SLACK_BOT_TOKEN,
    transport:
      read.SLACK_APP_TOKEN === undefined
        ? {
            kind: "http",
            signingSecrets: [read.SLACK_SIGNING_SECRET, read.SLACK_SIGNING_SECRET_PREVIOUS].filter(
              (secret) => secret !== undefined,
            ),
            ...addressesOf(read).slack,
          }
        : { kind: "socket", appToken: read.SLACK_APP_TOKEN },
    apiUrl: read.SLACK_API_URL ?? null,
    announceIn: read.LIFEBOAT_ANNOUNCE_CHANNEL,
    anchorIn: read.LIFEBOAT_ANCHOR_CHANNEL ?? null,
    allowed: teams.map((id) => (id.startsWith("T") ? { team: id, enterprise: null } : { team: null, enterprise: id })),
    appId: read.SLACK_APP_ID ?? null,
    rate: read.SLACK_RATE,
    slackUnavailable: read.LIFEBOAT_SLACK_UNAVAILABLE,
    membershipSeconds: read.LIFEBOAT_SLACK_MEMBERSHIP_MINUTES * 60,
  };
}

function pagingOf(read: Settings): PagingConfig | null {
  const local = read.PAGERDUTY_API_URL?.replace(/\/$/, "");
  if (read.SLACK_API_URL !== undefined && local === undefined) return null;
  const domain = read.PAGERDUTY_REGION === "eu" ? "eu.pagerduty.com" : "pagerduty.com";
  const { PAGERDUTY_WEBHOOK_SECRETS: secrets } = read;
  return {
    apiUrl: local ?? `https://api.${domain}`,
    eventsUrl: local ?? `https://events.${domain}`,
    webhook: secrets === undefined ? null : { secrets },
  };
}

function problemOf(
  name: Setting,
  message: string,
  given: Readonly<Record<string, string>>,
  renamed: Readonly<Record<string, string>>,
): Problem {
  if (given[name] !== undefined) {
    const former = Object.keys(renamed).find((old) => renamed[old] === name);
    const where = former === undefined ? name : `${former} (now ${name})`;
    return { code: "config", where, what: "This can't be used", allowed: message };
  }
  return { code: "config", where: name, what: "It is not set", allowed: allSettings.shape[name].description ?? "" };
}

/** The one who can write to the database must not be able to write the record: outside practice the keys are given. */
function keyProblems(given: Readonly<Record<string, string>>): Problem[] {
  if (given.SLACK_API_URL !== undefined && given.LIFEBOAT_EVENT_KEYS === undefined) return [];
  return (["LIFEBOAT_EVENT_KEYS", "LIFEBOAT_SIGNING_KEY"] as const)
    .filter((name) => given[name] === undefined)
    .map((where) => ({
      code: "config",
      where,
      what: "It is not set, and the timeline is neither written nor signed without it",
      next: "Run lifeboat keys: it prints new keys as settings. Every bot on the same store has the same ones",
    }));
}

/** How Slack's deliveries reach us, and that practice and real never meet. */
function slackSettingProblems(given: Readonly<Record<string, string>>): Problem[] {
  const { SLACK_APP_TOKEN, SLACK_SIGNING_SECRET, SLACK_API_URL } = given;
  const problems: Problem[] = [];
  if (!SLACK_APP_TOKEN && !SLACK_SIGNING_SECRET) {
    const what = "Neither is set, so nothing that people type or press would arrive";
    const next = "Set SLACK_APP_TOKEN for socket mode, or SLACK_SIGNING_SECRET for HTTP";
    problems.push({ code: "config", where: "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET", what, next });
  }
  if (SLACK_APP_TOKEN && SLACK_SIGNING_SECRET) {
    const what = "Both are set, and an app uses one of them";
    problems.push({ code: "config", where: "SLACK_APP_TOKEN and SLACK_SIGNING_SECRET", what, next: "Unset one" });
  }
  if (Number(given.SLACK_RATE ?? 1) > 1 && SLACK_API_URL === undefined) {
    const what = "Slack refuses what is sent faster than it documents";
    problems.push({ code: "config", where: "SLACK_RATE", what, next: "Unset it: it is for practice" });
  }
  for (const name of ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"] as const) {
    const token = given[name];
    if (token === undefined) continue;
    const practice = /^x(oxb|app)-practice/.test(token);
    if (practice && SLACK_API_URL === undefined) {
      const what = "This is a practice token, and it would be sent to slack.com";
      problems.push({ code: "config", where: name, what, next: "Set SLACK_API_URL to the practice workspace" });
    }
    if (!practice && SLACK_API_URL !== undefined) {
      const what = "This is not a practice token, and SLACK_API_URL would send it elsewhere than to slack.com";
      problems.push({ code: "config", where: name, what, next: "Unset SLACK_API_URL, or use a practice token" });
    }
  }
  return problems;
}

const STATUSPAGE = "https://api.statuspage.io/v1";

function commsOf(read: Settings): CommsConfig {
  const { SMTP_URL: url, MAIL_FROM: from, STATUSPAGE_API_KEY: key } = read;
  return {
    mail: url === undefined || from === undefined ? null : { url, from },
    statuspage: key === undefined ? null : { key, apiUrl: read.STATUSPAGE_API_URL ?? STATUSPAGE },
    page: {
      folder: resolve(read.STATUS_PAGE_FOLDER ?? join(read.LIFEBOAT_DATA, "status-page")),
      address: addressesOf(read).statusPage,
      link: read.STATUS_PAGE_LINK ?? null,
    },
  };
}

/** In practice no collector but one on this machine is told, whatever the shell it was started from says. */
function telemetryOf(read: Settings): Config["telemetry"] {
  const traces = otelSettings(otelGiven(read));
  return {
    webhooksFile: read.LIFEBOAT_WEBHOOKS === undefined ? null : resolve(read.LIFEBOAT_WEBHOOKS),
    traces: read.SLACK_API_URL !== undefined && traces !== null && !isLoopbackHost(traces.url) ? null : traces,
  };
}

function telemetryProblems(given: Readonly<Record<string, string>>): Problem[] {
  const what = otelProblem(otelGiven(given));
  return what === null ? [] : [{ code: "config", where: "OTEL_EXPORTER_OTLP_ENDPOINT", what }];
}

function otelGiven(given: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(OTEL_VARIABLES.flatMap((name) => (given[name] ? [[name, String(given[name])]] : [])));
}

/** Mail says whom it is from, and nothing that is said in practice leaves this machine. */
function commsProblems(given: Readonly<Record<string, string>>): Problem[] {
  const { SMTP_URL, MAIL_FROM, STATUSPAGE_API_KEY, STATUSPAGE_API_URL, SLACK_API_URL } = given;
  const problems: Problem[] = [];
  if (SMTP_URL && !MAIL_FROM) {
    const next = "Set it to an address your mail server lets you send from";
    problems.push({
      code: "config",
      where: "MAIL_FROM",
      what: "It's not set, and mail needs a sender",
      next,
    });
  }
  if (SLACK_API_URL && SMTP_URL && !isLoopbackHost(SMTP_URL)) {
    const what = "This is practice, and this mail server is not on this machine: real people would be told";
    problems.push({ code: "config", where: "SMTP_URL", what, next: "Unset it" });
  }
  if (SLACK_API_URL && STATUSPAGE_API_KEY && !STATUSPAGE_API_URL) {
    const what = "This is practice, and the key is for the real Statuspage: real people would be told";
    problems.push({ code: "config", where: "STATUSPAGE_API_KEY", what, next: "Unset it, or set STATUSPAGE_API_URL" });
  }
  if (STATUSPAGE_API_URL && !SLACK_API_URL) {
    const what = "This is the practice stand-in, and it is not practice: nobody would be told";
    problems.push({ code: "config", where: "STATUSPAGE_API_URL", what, next: "Unset it" });
  }
  return problems;
}

/** What travels there are people's codes. */
function cliProblems(given: Readonly<Record<string, string>>): Problem[] {
  if (!given.LIFEBOAT_CLI_LISTEN) return [];
  const next = "Set it, or unset LIFEBOAT_CLI_LISTEN";
  return ["LIFEBOAT_CLI_TLS_CERT", "LIFEBOAT_CLI_TLS_KEY"]
    .filter((name) => !given[name])
    .map((name) => ({
      code: "config",
      where: name,
      what: "It is not set, and the command line is served over TLS only",
      next,
    }));
}

/** What is paged in practice rings on this machine only. */
function pagingProblems(given: Readonly<Record<string, string>>): Problem[] {
  const { PAGERDUTY_API_URL, SLACK_API_URL } = given;
  const problems: Problem[] = [];
  if (PAGERDUTY_API_URL && !SLACK_API_URL) {
    const what = "This is the practice pager, and it is not practice: nobody would be woken";
    problems.push({ code: "config", where: "PAGERDUTY_API_URL", what, next: "Unset it" });
  }
  return problems;
}

/** Who posts here: webhooks are served where one of them is set. */
const SENDERS = [
  "PAGERDUTY_WEBHOOK_SECRETS",
  "LIFEBOAT_ALERTMANAGER_SECRETS",
  "LIFEBOAT_GRAFANA_SECRETS",
  "LIFEBOAT_CLOUDWATCH_TOPICS",
  "LIFEBOAT_ALERT_SECRETS",
] as const;

/** A port by itself is of use only with a sender that is accepted. */
function webhookProblems(given: Readonly<Record<string, string>>): Problem[] {
  const where = "PAGERDUTY_WEBHOOK_PORT";
  if (!given[where] || SENDERS.some((name) => given[name])) return [];
  const next = `Unset it, or set one of ${SENDERS.join(", ")}`;
  return [{ code: "config", where, what: "It's set, and every webhook would be refused", next }];
}

/** A name that is nearly a setting's, while that setting is unset: someone believes they set it. */
function misspelt(env: Readonly<Record<string, string | undefined>>): Problem[] {
  const unset = Object.keys(settings.shape).filter((name) => !env[name]);
  return Object.keys(env).flatMap((name) => {
    const [, family = "", word = ""] = /^(SLACK_|LIFEBOAT_|DATABASE_)(.+)$/.exec(name) ?? [];
    if (!env[name] || word === "" || name in settings.shape) return [];
    const cousins = unset.filter((other) => other.startsWith(family)).map((other) => other.slice(family.length));
    const meant = nearest(word, cousins);
    if (meant === null) return [];
    const next = `Did you mean ${family}${meant}?`;
    return [{ code: "config", where: name, what: "There is no such setting", next }];
  });
}

function isInternalListen(text: string): boolean {
  const { host, port: number } = addressIn(text);
  return isIP(host) !== 0 && isInternalAddress(host) && Number.isInteger(number) && number >= 0 && number <= 65_535;
}

/** `10.0.3.7:8443` or `[fd00::7]:8443`; anything else has no host. */
function addressIn(text: string): { readonly host: string; readonly port: number } {
  const [, v6, v4, number] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? [];
  return { host: v6 ?? v4 ?? "", port: Number(number ?? Number.NaN) };
}

function isLoopbackUrl(text: string): boolean {
  return /^https?:$/.test(protocolOf(text)) && isLoopbackHost(text);
}

function isLoopbackHost(url: string): boolean {
  const host = URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, "") : "";
  return host === "localhost" || (isIP(host) !== 0 && kindOfAddress(host) === "loopback");
}

function protocolOf(text: string): string {
  return URL.canParse(text) ? new URL(text).protocol : "";
}
