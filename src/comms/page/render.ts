import type { UpdateState } from "../../incident/state.ts";
import { inHtml } from "../rich-text.ts";

/** What readers of the built-in page see of one incident: only what was written for it. */
export interface PagedIncident {
  readonly id: string;
  readonly system: string;
  readonly updates: readonly (Pick<UpdateState, "at" | "audience"> & {
    readonly page: NonNullable<UpdateState["page"]>;
  })[];
}

export interface PageContent {
  readonly systems: readonly { readonly id: string; readonly title: string }[];
  readonly incidents: readonly PagedIncident[];
  readonly practice: boolean;
  readonly now: Date;
}

/** How long something that is over stays on the page. */
const DAYS = 14;

/**
 * The page as one file without scripts: it reads the same from a disk, a cache or a server that knows nothing of us, and
 * every word on it is escaped.
 */
export function renderPage({ systems, incidents, practice, now }: PageContent): string {
  const shown = incidents.filter((one) => one.updates.length > 0);
  const since = now.getTime() - DAYS * 86_400_000;
  const open = shown.filter((one) => !isOver(one));
  const past = shown.filter((one) => isOver(one) && (one.updates.at(-1)?.at.getTime() ?? 0) >= since);
  const notice = practice ? `<p class="practice">This is practice. Nothing real is affected.</p>` : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="60">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${open.length === 0 ? "All is well" : `${open.length === 1 ? "A problem is" : "Problems are"} being worked on`}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${notice}
<h1>Status</h1>
<ul class="systems">
${systems.map((system) => systemLine(system, open)).join("\n")}
</ul>
${newestFirst(open).map(article).join("\n")}
${past.length > 0 ? `<h2>The last ${DAYS} days</h2>\n${newestFirst(past).map(article).join("\n")}` : ""}
<footer>Written at ${time(now)}. This page refreshes itself every minute.</footer>
</main>
</body>
</html>
`;
}

function systemLine(system: { id: string; title: string }, open: readonly PagedIncident[]): string {
  const own = open.filter((one) => one.system === system.id);
  const says = own.length === 0 ? "No problem is known" : (own.at(-1)?.updates.at(-1)?.page.status ?? "");
  return `<li class="${own.length === 0 ? "well" : "hurt"}"><b>${inHtml(system.title)}</b> <span>${inHtml(WORDS[says] ?? says)}</span></li>`;
}

const WORDS: Readonly<Record<string, string>> = {
  investigating: "We are investigating a problem",
  identified: "We know the problem and are working on it",
  monitoring: "Fixed; we are monitoring",
  resolved: "It is over",
};

function article({ updates }: PagedIncident): string {
  const last = updates.at(-1);
  if (last === undefined) return "";
  const said = [...updates]
    .reverse()
    .map(
      ({ page, at }) =>
        `<li><h3>${inHtml(WORDS[page.status] ?? page.status)} <small>${time(at)}</small></h3>\n${paragraphs(page.body)}</li>`,
    );
  return `<article class="${last.page.status === "resolved" ? "well" : "hurt"}">
<h2>${inHtml(last.page.name)}</h2>
<ol>
${said.join("\n")}
</ol>
</article>`;
}

function paragraphs(body: string): string {
  return body
    .split(/\n\s*\n/)
    .map((part) => `<p>${inHtml(part).replaceAll("\n", "<br>")}</p>`)
    .join("\n");
}

function newestFirst(incidents: readonly PagedIncident[]): readonly PagedIncident[] {
  const when = ({ updates }: PagedIncident) => updates.at(-1)?.at.getTime() ?? 0;
  return [...incidents].sort((a, b) => when(b) - when(a));
}

function isOver({ updates }: PagedIncident): boolean {
  return updates.at(-1)?.page.status === "resolved";
}

function time(at: Date): string {
  const iso = at.toISOString();
  return `<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC</time>`;
}

const STYLE = `
:root{color-scheme:light dark;--well:#1b7f4d;--hurt:#b3450b;--line:#8886}
body{margin:0;font:17px/1.55 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin:1.2rem 0 .4rem}h3{font-size:1rem;margin:0}
small,footer{opacity:.75;font-weight:400;font-size:.85em}
ul,ol{list-style:none;padding:0;margin:0}
.systems li{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.2rem 1rem;padding:.7rem .9rem;border:1px solid var(--line);border-left:.4rem solid var(--well);border-radius:.4rem;margin:.5rem 0}
.systems .hurt,article.hurt{border-left-color:var(--hurt)}
article{border:1px solid var(--line);border-left:.4rem solid var(--well);border-radius:.4rem;padding:.2rem .9rem .6rem;margin:1rem 0}
article li{padding:.5rem 0;border-top:1px solid var(--line)}
article h2{overflow-wrap:anywhere}article p{margin:.3rem 0;overflow-wrap:anywhere}
.practice{background:#fff3c4;color:#493b00;padding:.5rem .9rem;border-radius:.4rem}
footer{margin:2rem 0}`;
