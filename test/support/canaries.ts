/** Looks for planted secrets in whatever came out of a bot. Shares no code with `src/lib/redact.ts`: this looks for what that may miss. */

/** A secret, and where it was planted. */
export interface Canary {
  readonly name: string;
  readonly value: string;
}

/** Something that came out: where, and all of it as text. */
export interface Surface {
  readonly name: string;
  readonly text: string;
}

/** So many characters of a secret in a row count as the secret: what is cut in its middle is found too. */
const PIECE = 12;

/** Every secret of which a piece is in a text, however it is written there: `surface: canary (piece)`. */
export function leaks(surfaces: readonly Surface[], canaries: readonly Canary[]): readonly string[] {
  return surfaces.flatMap(({ name, text }) => {
    const readings = readingsOf(text);
    return canaries.flatMap((canary) => {
      const found = piecesOf(canary.value).find((piece) => readings.some((reading) => reading.includes(piece)));
      return found === undefined ? [] : [`${name}: ${canary.name} (${found.slice(0, 4)}…)`];
    });
  });
}

function piecesOf(secret: string): readonly string[] {
  const starts = Array.from({ length: Math.max(1, secret.length - PIECE + 1) }, (_, n) => n);
  return starts.map((start) => secret.slice(start, start + PIECE));
}

/** A text as it stands and as it reads once it is decoded: URL, JSON, hexadecimal, base64 of both alphabets. */
function readingsOf(text: string): readonly string[] {
  const plain = [text, percentDecoded(text), unescaped(text), unescaped(unescaped(text))];
  return plain.flatMap((one) => {
    const bare = one.replace(/\s|\\[nrt]/g, "");
    return [one, bare, hexDecoded(one), ...base64Decoded(one), ...base64Decoded(bare)];
  });
}

function percentDecoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString("utf8"));
}

function unescaped(text: string): string {
  return text
    .replace(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/\\(["\\/])/g, "$1");
}

function hexDecoded(text: string): string {
  const runs = text.match(/(?:[0-9a-f]{2}:?){12,}/gi) ?? [];
  return runs
    .flatMap((run) => {
      const digits = run.replaceAll(":", "");
      return [digits, digits.slice(1)].map((one) => Buffer.from(one, "hex").toString("latin1"));
    })
    .join("\n");
}

/** Decoded from each of the four characters a group may begin at. */
function base64Decoded(text: string): readonly string[] {
  const runs = (text.match(/[A-Za-z0-9+/_-]{16,}/g) ?? []).join("\n");
  return [0, 1, 2, 3].map((from) =>
    runs
      .split("\n")
      .map((run) => Buffer.from(run.slice(from), "base64").toString("latin1"))
      .join("\n"),
  );
}
