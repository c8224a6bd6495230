import type { DataOf } from "../../../src/incident/events.ts";
import { section } from "../kit/blocks.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { NoticeSurroundings, ShownMessage } from "../kit/view.ts";

/** A checkpoint of the record, posted where its operator can't change it later without being seen. */
export function checkpointMade(data: DataOf<"checkpoint.made">, around: NoticeSurroundings): ShownMessage {
  const { checkpoint, sha256 } = data;
  const head = `${kindPrefix("real", around.practice)}Record checkpoint ${checkpoint}`;
  const text = `${head}: \`${sha256}\`\nKeep this message. With it an auditor checks that the record hasn't changed since.`;
  const message = { text, blocks: [section(`🔏 ${text}`)] };
  return { key: `checkpoint:${checkpoint}`, in: "announce", under: null, priority: 1, message, once: true };
}

/** The same as a mail. */
export function checkpointMail({ checkpoint, sha256 }: DataOf<"checkpoint.made">, practice: boolean) {
  const subject = `${practice ? "[PRACTICE] " : ""}Lifeboat record checkpoint ${checkpoint}`;
  const text = [
    `Checkpoint ${checkpoint} of the record. SHA-256:`,
    sha256,
    "",
    "Keep this mail. With it an auditor checks that the record hasn't changed since.",
    `lifeboat-verify <pack> --checkpoint ${sha256}`,
    "",
  ].join("\n");
  const html = `<p>Checkpoint ${checkpoint} of the record. SHA-256:<br><code>${sha256}</code></p><p>Keep this mail. With it an auditor checks that the record hasn't changed since.</p>`;
  return { subject, text, html };
}
