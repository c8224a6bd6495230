import encodeQR from "qr";

/** Light modules around the code, as its standard wants: with two, one in forty was not read. */
const BORDER = 4;

/**
 * A QR code as lines of text, two modules a character, for a code block or a terminal.
 *
 * Why text and no picture: Slack shows a picture from a public address, which would put the secret on the internet, or from an
 * uploaded file, which stays in the workspace's storage and exports after it was deleted. Text is in the form alone.
 *
 * The light modules are what is drawn, so on a dark ground it is an ordinary QR code and on a light one a reversed one. Slack
 * leaves a gap between the lines of a code block: through light modules a reader sees past it, through dark ones it doesn't
 * (`test/messages/kit/qr.test.ts` reads both with Slack's spacing).
 */
export function qrCode(text: string): string {
  const modules = encodeQR(text, "raw", { ecc: "low", border: BORDER });
  const light = (x: number, y: number) => modules[y]?.[x] === false;
  const rows = Array.from({ length: Math.ceil(modules.length / 2) }, (_, row) => row * 2);
  return rows.map((y) => modules.map((_, x) => HALVES[`${light(x, y)} ${light(x, y + 1)}`]).join("")).join("\n");
}

/** Upper and lower half of a character: light or not. */
const HALVES: Readonly<Record<string, string>> = {
  "true true": "█",
  "true false": "▀",
  "false true": "▄",
  "false false": " ",
};
