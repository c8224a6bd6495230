import { inHtml, unlinked } from "./rich-text.ts";

/** What stands around the words of a mail. */
export const letter = {
  text: (body: string, incident: string, system: string): string =>
    `${body}\n\n${unlinked(system)} · incident ${incident}\n`,

  /** `body` is HTML already. No pictures, no scripts, nothing fetched: it reads the same with everything blocked. */
  html: (body: string, title: string, incident: string, system: string): string =>
    `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${inHtml(title)}</title></head>
<body style="margin:0;padding:24px;background:#f4f6f8;color:#17242f;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:36em;margin:0 auto;padding:8px 24px;background:#fff;border-radius:8px">
${body}
<p style="color:#5b6b78;font-size:13px">${inHtml(unlinked(system))} · incident ${inHtml(incident)}</p>
</div>
</body>
</html>
`,
};
