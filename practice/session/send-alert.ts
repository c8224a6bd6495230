import { createHmac } from "node:crypto";

/** Where a bot takes alerts, and what they are signed with. */
export interface AlertReceiver {
  readonly port: string;
  readonly secret: string;
}

/** Posts one alert as monitoring would: through the bot's own address, signed. @throws where it isn't taken */
export async function sendAlert(
  { port, secret }: AlertReceiver,
  alert: { readonly name: string; readonly system: string; readonly status: "firing" | "resolved" },
): Promise<void> {
  const { name, system, status } = alert;
  const body = JSON.stringify({
    alerts: [{ name, status, labels: { system, sender: "practice" }, summary: "Sent from the practice panel" }],
  });
  const at = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", secret).update(`${at}.${body}`).digest("hex");
  const answer = await fetch(`http://127.0.0.1:${port}/alerts/generic`, {
    method: "POST",
    body,
    headers: { "x-lifeboat-timestamp": at, "x-lifeboat-signature": `v1=${signature}` },
    signal: AbortSignal.timeout(5_000),
  });
  if (answer.status !== 202) throw new Error(`The bot answered ${answer.status}.`);
}
