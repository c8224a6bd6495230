/** What stands in the sidebar, in the order a reader needs it. Links are pages below `docs/`; `test/docs/site.test.ts` checks that they exist. */
export interface Section {
  readonly text: string;
  readonly items: readonly Entry[];
}

interface Entry {
  readonly text: string;
  readonly link: string;
}

export const navigation: readonly Section[] = [
  {
    text: "Start here",
    items: [
      { text: "What Lifeboat is", link: "/" },
      { text: "Practise", link: "/practice" },
      { text: "Install", link: "/install" },
      { text: "Describe your system", link: "/systems" },
    ],
  },
  {
    text: "Understand",
    items: [
      { text: "Concepts", link: "/concepts" },
      { text: "Glossary", link: "/glossary" },
      { text: "Sites, roles, directions", link: "/catalogue" },
      { text: "What your applications answer", link: "/contracts" },
      { text: "Cycles: there and back", link: "/cycles" },
      { text: "The five documents, row by row", link: "/coverage" },
      { text: "Decisions", link: "/decisions/" },
      { text: "How it works inside", link: "/internals" },
    ],
  },
  {
    text: "Reference",
    items: [
      { text: "Commands", link: "/reference/commands" },
      { text: "Settings", link: "/reference/settings" },
      { text: "Runbooks", link: "/reference/runbooks/" },
      { text: "Actions", link: "/reference/actions/" },
      { text: "Reports", link: "/reference/reports" },
      { text: "Log events", link: "/reference/log-events" },
    ],
  },
  {
    text: "Operate",
    items: [
      { text: "Operations", link: "/operations/" },
      { text: "Lifeboat is down", link: "/operations/lifeboat-down" },
      { text: "Slack is down", link: "/operations/slack-down" },
      { text: "The command line", link: "/command-line" },
      { text: "Alerts", link: "/alerts" },
      { text: "Calendar", link: "/calendar" },
      { text: "Readiness", link: "/readiness" },
      { text: "The store fails over", link: "/operations/store-failover" },
      { text: "A run is stuck", link: "/operations/stuck-run" },
      { text: "A secret rotates", link: "/operations/rotate-secrets" },
      { text: "A region is lost", link: "/operations/region-lost" },
      { text: "Back up and restore the store", link: "/operations/backup" },
      { text: "Upgrade", link: "/operations/upgrade" },
      { text: "Metrics", link: "/operations/metrics" },
      { text: "Events and traces", link: "/operations/events" },
      { text: "Post-mortems", link: "/post-mortem" },
      { text: "A post-mortem, as drafted", link: "/examples/post-mortem" },
      { text: "The record and its keys", link: "/record" },
      { text: "Evidence for audits", link: "/evidence" },
    ],
  },
  {
    text: "Evidence",
    items: [
      { text: "Security", link: "/security" },
      { text: "What the bot trusts", link: "/trust" },
      { text: "Attacks and what holds", link: "/security-cases" },
      { text: "How it is tested", link: "/testing" },
      { text: "Tested against", link: "/tested-against" },
      { text: "Benchmarks", link: "/benchmarks" },
    ],
  },
];
