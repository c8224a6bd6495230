/** Other people's words in a Markdown document: they can't become a heading, a link, a table cell or HTML. */
export function markdown(words: unknown): string {
  return String(words)
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]+/gu, " ")
    .replace(/\s+/g, " ")
    .replace(/[\\`*_{}[\]<>#|~!&$]/g, "\\$&")
    .replace(/(?<=^|\s)([-+=]+)(?=\s|$)/g, "\\$1")
    .replace(/^(\d+)([.)])(?=\s|$)/, "$1\\$2")
    .replace(/:\/\//g, ":\\//")
    .replace(/\bwww\./gi, (start) => `${start.slice(0, 3)}\\.`)
    .replace(/@/g, "\\@")
    .trim();
}

/** The same for text and quoted attributes of an HTML document. */
export function html(words: unknown): string {
  return String(words)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}]+/gu, " ")
    .replace(/[&<>"'`]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
