/** An element of a document: what is within it, in order. Attributes and namespaces are kept apart from names. */
export interface Element {
  readonly tag: string;
  readonly text: string;
  readonly children: readonly Element[];
  readonly attributes: Readonly<Record<string, string>>;
}

const TOKEN = /<\?[^>]*\?>|<(\/?)([\w:.-]+)((?:\s+[\w:.-]+="[^"]*")*)\s*(\/?)>|([^<]+)/gy;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** Reads one document, and throws at whatever is not well formed. It shares no code with the stand-in that writes them. */
export function parse(source: string): Element {
  type Open = { tag: string; text: string; children: Element[]; attributes: Record<string, string> };
  const root: Open = { tag: "", text: "", children: [], attributes: {} };
  const open = [root];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(source);
    if (!found) throw new Error(`Not XML at ${at}: ${source.slice(at, at + 40)}`);
    const [, closing, tag, attributes = "", empty, text] = found;
    const top = open.at(-1) as Open;
    if (text !== undefined) top.text += plain(text);
    else if (closing) {
      if (top.tag !== tag || open.length === 1) throw new Error(`</${tag}> closes ${top.tag || "nothing"}`);
      open.pop();
      (open.at(-1) as Open).children.push(top);
    } else if (tag) {
      const element = { tag, text: "", children: [], attributes: attributesOf(attributes) };
      if (empty) top.children.push(element);
      else open.push(element);
    }
  }
  const [document, ...more] = root.children;
  if (!document || more.length > 0 || open.length > 1) throw new Error("Not one whole document");
  return document;
}

function attributesOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/([\w:.-]+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, plain(value)]),
  );
}

function plain(text: string): string {
  return text.replace(/&(#x?[\da-f]+|\w+);/gi, (all, name: string) => {
    if (name.startsWith("#x")) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith("#")) return String.fromCodePoint(Number(name.slice(1)));
    const one = ENTITIES[name];
    if (one === undefined) throw new Error(`Unknown entity ${all}`);
    return one;
  });
}
