/** What this program serves, by path: each belongs to one site. */
export const SLACK_EVENTS = "/slack/events";
export const PAGERDUTY_WEBHOOK = "/pagerduty/webhook";
export const STATUS_PAGE = "/";
