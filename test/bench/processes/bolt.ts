import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import bolt from "@slack/bolt";

/** The yardstick: the smallest Bolt app there is. It acknowledges `/dr` and does nothing else. */
const { SLACK_API_URL = "", SLACK_BOT_TOKEN = "", SLACK_APP_TOKEN = "", SLACK_SIGNING_SECRET = "" } = process.env;
const app = new bolt.App({
  token: SLACK_BOT_TOKEN,
  clientOptions: { slackApiUrl: SLACK_API_URL },
  logLevel: bolt.LogLevel.ERROR,
  ...(SLACK_SIGNING_SECRET ? { signingSecret: SLACK_SIGNING_SECRET } : { socketMode: true, appToken: SLACK_APP_TOKEN }),
});
app.command("/dr", async ({ ack }) => ack());
const server = (await app.start(0)) as Server;
const address = typeof server.address === "function" ? (server.address() as AddressInfo) : null;
process.stdout.write(`ready ${address?.port ?? ""}\n`);
