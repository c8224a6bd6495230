/** A list of the wire: every item under a name of its own, as in `<DBInstances><DBInstance>…`. */
export interface Items {
  readonly item: string;
  readonly of: readonly Xml[];
}
/** An array is a flattened list: its own tag is repeated, with nothing around it. */
export type Xml =
  | string
  | number
  | boolean
  | Date
  | null
  | undefined
  | Items
  | readonly Xml[]
  | { readonly [tag: string]: Xml };

export function items(item: string, of: readonly Xml[]): Items {
  return { item, of };
}

export function toXml(value: Xml): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== "object") return escaped(String(value));
  if (isItems(value)) return value.of.map((one) => tagged(value.item, one)).join("");
  return Object.entries(value as Readonly<Record<string, Xml>>)
    .filter(([, inner]) => inner !== undefined && inner !== null)
    .map(([tag, inner]) => (Array.isArray(inner) ? inner.map((one) => tagged(tag, one)).join("") : tagged(tag, inner)))
    .join("");
}

function tagged(tag: string, inner: Xml): string {
  return `<${tag}>${toXml(inner)}</${tag}>`;
}

function isItems(value: object): value is Items {
  return "item" in value && "of" in value;
}

function escaped(text: string): string {
  return text.replace(/[<&>"]/g, (c) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" })[c] as string);
}

/** An element as it was read: what is inside it, by tag and in order. */
export interface Element {
  readonly tag: string;
  readonly text: string;
  readonly children: readonly Element[];
}

/** Reads the small, regular XML an SDK writes: elements and text, no mixed content. */
export function parseXml(source: string): Element {
  const stack: { tag: string; text: string; children: Element[] }[] = [{ tag: "", text: "", children: [] }];
  for (const [, closing, tag, , empty, text] of source.matchAll(/<(\/?)([\w:]+)([^<>]*?)(\/?)>|([^<>]+)/g)) {
    const top = stack.at(-1);
    if (!top) break;
    if (text !== undefined) top.text += plain(text);
    else if (closing) {
      stack.pop();
      stack.at(-1)?.children.push(top);
    } else if (empty) top.children.push({ tag: tag as string, text: "", children: [] });
    else if (tag) stack.push({ tag, text: "", children: [] });
  }
  return stack[0]?.children[0] ?? { tag: "", text: "", children: [] };
}

export function child(element: Element | undefined, tag: string): Element | undefined {
  return element?.children.find((one) => one.tag === tag);
}

export function textOf(element: Element | undefined, tag: string): string | undefined {
  return child(element, tag)?.text.trim();
}

function plain(text: string): string {
  return text.replace(/&(lt|gt|amp|quot|apos|#\d+);/g, (_, name: string) =>
    name.startsWith("#")
      ? String.fromCharCode(Number(name.slice(1)))
      : ({ lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" }[name] as string),
  );
}
