/** Elements of HTML that have no end tag. */
const VOID = new Set(["meta", "br", "hr", "wbr", "img", "link", "input"]);
/** What a report may consist of: anything else came from a value. */
const KNOWN = new Set(
  "html head meta title style body main h1 h2 h3 h4 p a em strong code pre ul ol li blockquote table thead tbody tr th td span hr br wbr svg desc rect text line".split(
    " ",
  ),
);
const ATTRIBUTES = new Set(
  "lang charset name content scope data-label id href class xmlns viewBox width height role aria-labelledby font-family x y fill stroke font-size x1 x2 y1 y2 text-anchor start".split(
    " ",
  ),
);

/**
 * What is wrong with an HTML document, by the rules of its syntax: tags that do not match, attributes without quotes, bare `<`, `&` that begin no
 * character, ids twice, links into nowhere, elements no one meant. There is no HTML parser among the dependencies.
 */
export function faultsIn(page: string): readonly string[] {
  const faults: string[] = [];
  const open: string[] = [];
  const ids: string[] = [];
  const leads: string[] = [];
  if (!page.startsWith("<!doctype html>\n")) faults.push("no doctype");
  const source = page.slice("<!doctype html>".length).replace(/(<style>)[^<]*(<\/style>)/, "$1$2");
  const tag = /<(\/?)([a-zA-Z0-9]+)((?:\s+[a-zA-Z0-9:-]+="[^"<]*")*)\s*(\/?)>/g;
  let at = 0;
  for (const match of source.matchAll(tag)) {
    faults.push(...inText(source.slice(at, match.index)));
    at = match.index + match[0].length;
    const [, slash, name = "", attributes = "", selfClosed] = match;
    if (!KNOWN.has(name)) faults.push(`<${name}>`);
    for (const [, key = "", value = ""] of attributes.matchAll(/([a-zA-Z0-9:-]+)="([^"]*)"/g)) {
      if (!ATTRIBUTES.has(key)) faults.push(`${name} ${key}`);
      faults.push(...inText(value));
      if (key === "id") ids.push(value);
      if (key === "href" && value.startsWith("#")) leads.push(value.slice(1));
      if (key === "href" && !/^(#|https?:|mailto:)/.test(value)) faults.push(`href ${value}`);
      if (key === "aria-labelledby") leads.push(...value.split(" "));
    }
    if (VOID.has(name) || selfClosed === "/") continue;
    if (slash !== "/") open.push(name);
    else if (open.pop() !== name) faults.push(`</${name}> closes nothing`);
  }
  faults.push(...inText(source.slice(at)), ...open.map((name) => `<${name}> isn't closed`));
  faults.push(...ids.filter((id, n) => ids.indexOf(id) !== n).map((id) => `id ${id} twice`));
  faults.push(...leads.filter((to) => !ids.includes(to)).map((to) => `#${to} leads nowhere`));
  return faults;
}

function inText(text: string): readonly string[] {
  return [...text.matchAll(/[<>]|&(?!(#\d+|amp|lt|gt|quot);)/g)].map(
    ({ index }) => `"${text.slice(index, index + 20)}"`,
  );
}
