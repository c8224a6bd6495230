import { createHmac } from "node:crypto";
import { Agent, request } from "node:http";

export const SIGNING_SECRET = "the-signing-secret-of-the-bench";

/** `/dr help` as Slack sends it, a different delivery each time. */
function command(trigger: string, responseUrl: string): string {
  return new URLSearchParams({
    command: "/dr",
    text: "help",
    trigger_id: trigger,
    user_id: "UALEX",
    channel_id: "CINCIDENT",
    team_id: "TPRACTICE",
    response_url: responseUrl,
  }).toString();
}

export interface Transport {
  readonly port: number;
  readonly team: string;
  readonly responseUrl: string;
}

/** Sends `count` signed commands, `atOnce` at a time, and gives each one's milliseconds until it was acknowledged. */
export async function sendCommands(
  server: Transport,
  count: number,
  atOnce: number,
  prefix: string,
): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const took: number[] = [];
  let next = 0;
  const send = async () => {
    while (next < count) {
      const body = command(`${prefix}.${next++}`, server.responseUrl).replace("TPRACTICE", server.team);
      const began = performance.now();
      await post(agent, server.port, body);
      took.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, send));
  agent.destroy();
  return took;
}

function post(agent: Agent, port: number, body: string): Promise<void> {
  const at = Math.floor(Date.now() / 1000);
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    "content-length": Buffer.byteLength(body),
    "x-slack-request-timestamp": at,
    "x-slack-signature": `v0=${createHmac("sha256", SIGNING_SECRET).update(`v0:${at}:${body}`).digest("hex")}`,
  };
  return new Promise((resolve, reject) => {
    const sent = request(
      { agent, port, host: "127.0.0.1", path: "/slack/events", method: "POST", headers },
      (answer) => {
        answer.resume();
        answer.on("end", () =>
          answer.statusCode === 200 ? resolve() : reject(new Error(`Not acknowledged: ${answer.statusCode}`)),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
