/** Whose alerts are accepted. Secrets and topics come from settings; an empty list: that sender is not served. */
export interface AlertsConfig {
  /** Bearer tokens, also taken as the password of the user `lifeboat`. */
  readonly alertmanager: readonly string[];
  /** The same, and what Grafana signs with. */
  readonly grafana: readonly string[];
  /** ARNs of SNS topics. */
  readonly cloudwatch: readonly string[];
  /** What any other sender signs with. */
  readonly generic: readonly string[];
}

/** `/alerts/alertmanager`, for each sender that is served. */
export function alertPaths(config: AlertsConfig): readonly string[] {
  return (Object.keys(config) as (keyof AlertsConfig)[])
    .filter((sender) => config[sender].length > 0)
    .map((sender) => `/alerts/${sender}`);
}

const TOPIC =
  /^arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]{2,9}){1,3}-\d{1,2}):\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?$/;

export function isTopicArn(text: string): boolean {
  return TOPIC.test(text);
}

/** `sns.us-east-1.amazonaws.com`: where the topic of this ARN is. @throws for what is no topic's ARN */
export function snsHost(topic: string): string {
  const [, partition, region] = TOPIC.exec(topic) ?? [];
  if (region === undefined) throw new Error("This is not the ARN of an SNS topic");
  return `sns.${region}.amazonaws.com${partition === "aws-cn" ? ".cn" : ""}`;
}
