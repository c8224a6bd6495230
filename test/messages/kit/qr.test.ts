import { describe, expect, test } from "@jest/globals";
import decodeQR from "qr/decode.js";
import { enrollForm } from "../../../templates/messages/approval/forms.ts";
import { qrCode } from "../../../templates/messages/kit/qr.ts";

const URI = "otpauth://totp/Vera%20Lindqvist?issuer=Lifeboat&secret=3YJUCHSHSUWWWD7BNQQWEKAI3NIIES6V";

/** A character of a code block of Slack's, pixels: what is drawn is lower than its line, so there is a gap below each. */
const CELL = { width: 7, drawn: 14, line: 18 };
const GROUNDS = { light: { ink: 29, paper: 248 }, dark: { ink: 209, paper: 35 } };

/** What a camera sees of these lines. */
function seen(text: string, { ink, paper }: { ink: number; paper: number }) {
  const lines = text.split("\n");
  const width = CELL.width * Math.max(...lines.map(({ length }) => length));
  const height = CELL.line * lines.length;
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const within = y % CELL.line;
      const character = lines[Math.floor(y / CELL.line)]?.[Math.floor(x / CELL.width)] ?? " ";
      const halves = within < CELL.drawn / 2 ? "█▀" : "█▄";
      const drawn = within < CELL.drawn && halves.includes(character);
      data.fill(drawn ? ink : paper, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  return { width, height, data };
}

describe("the code an authenticator scans", () => {
  test.each(Object.entries(GROUNDS))(
    "is read on a %s ground, with the gaps Slack leaves between lines",
    (_, ground) => {
      expect(decodeQR(seen(qrCode(URI), ground))).toBe(URI);
    },
  );

  test("stands in the form, beside what can be copied, and fits a section and a phone", () => {
    const { blocks } = enrollForm("3YJUCHSHSUWWWD7BNQQWEKAI3NIIES6V", URI, false);
    const texts = blocks.flatMap(({ text }) => (text ? [(text as { text: string }).text] : []));
    const [scan = "", copy = ""] = texts;
    const [, drawn = ""] = /```([^`]*)```/.exec(scan) ?? [];
    expect(decodeQR(seen(drawn, GROUNDS.dark))).toBe(URI);
    // A block of monospaced text of 12 px is 7.2 px a character wide: at 390 px some 45 fit.
    expect(drawn.indexOf("\n")).toBeLessThanOrEqual(45);
    expect(Math.max(...texts.map(({ length }) => length))).toBeLessThan(3000);
    const blocksToCopy = [...copy.matchAll(/```([^`]*)```/g)].map(([, one]) => one?.replaceAll("&amp;", "&"));
    expect(blocksToCopy).toEqual(["3YJUCHSHSUWWWD7BNQQWEKAI3NIIES6V", URI]);
  });
});
