/**
 * Environment of a bot whose Slack shows at once what happened. The tests of a system play some forty runbooks one after the other, and at
 * Slack's rate a quarter of their time was waiting for the end of a run to be shown. That rate is held by the tests of the publisher and by the stories.
 * Runbooks are proven ready when a test asks for it: a proof after every run would make each of them wait.
 */
export const FAST_SLACK: Readonly<Record<string, string>> = { SLACK_RATE: "50", LIFEBOAT_READINESS_MINUTES: "0" };
