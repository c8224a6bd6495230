import type { Doing } from "./doing.ts";
import { type SignedDelivery, signed } from "./http-front.ts";
import type { Ways } from "./people.ts";
import type { SlackServer } from "./slack-server.ts";
import type { VirtualTime } from "./time.ts";

/** What people press when they see it; what opens a form is left open. */
const BUTTONS = /^(?:gate|run|step|incident|role|triage|postmortem|action|comms|undo|member)\./;

/** People in Slack: they see what it shows, and it delivers what they do, signed. */
export function slackWays(
  slack: SlackServer,
  time: VirtualTime,
  deliver: (mark: string, delivery: SignedDelivery) => void,
): Ways {
  return {
    choices: () => slack.buttons(BUTTONS),
    rooms: () => [...slack.channels.values()].flatMap(({ id, archived }) => (/^C\d/.test(id) && !archived ? [id] : [])),
    send(doing, mark) {
      const delivery = signed(fieldsOf(doing, mark), time.epoch);
      return () => deliver(mark, delivery);
    },
    forge(doing, mark) {
      const delivery = signed(fieldsOf(doing, mark), time.epoch);
      deliver(mark, { ...delivery, signature: `v0=${"0".repeat(64)}` });
    },
  };
}

function fieldsOf(doing: Doing, mark: string): Readonly<Record<string, string>> {
  const { user } = doing;
  if (doing.does === "types")
    return {
      ...{ command: "/dr", text: doing.text, team_id: "T1", channel_id: doing.room, channel_name: "x", user_id: user },
      ...{ user_name: user, trigger_id: mark, response_url: "http://slack.sim/respond/1", api_app_id: "A1" },
    };
  const { action, block, value, message } = doing.choice;
  return {
    payload: JSON.stringify({
      ...{ type: "block_actions", team: { id: "T1" }, user: { id: user, team_id: "T1" }, api_app_id: "A1" },
      ...{ enterprise: null, trigger_id: `trigger-${mark}`, response_url: "http://slack.sim/respond/1" },
      container: { type: "message", message_ts: message?.ts, channel_id: message?.channel },
      channel: { id: message?.channel, name: "x" },
      message: { ts: message?.ts, ...(message?.thread != null && { thread_ts: message.thread }) },
      actions: [{ type: "button", action_id: action, block_id: block, value, action_ts: mark }],
    }),
  };
}
