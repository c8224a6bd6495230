/** Text that Markdown, a table and Vue's templates would read as something else, escaped. What is inside code spans stays. */
export function inline(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .split(/(`[^`]*`)/)
    .map((part, n) => (n % 2 === 1 ? part : escapeProse(part)))
    .join("")
    .replaceAll("|", "\\|");
}

function escapeProse(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("{{", "&#123;&#123;")
    .replaceAll("*", "\\*")
    .replaceAll(/(?<!\w)_|_(?!\w)/g, "\\_");
}

/** A code span of any text, also in a table. */
export function code(text: string): string {
  const oneLine = text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|");
  return oneLine.includes("`") ? `\`\` ${oneLine} \`\`` : `\`${oneLine}\``;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** `600` → `10 min`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  if (seconds > 3600) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A page with what VitePress reads first and a note on where it comes from. */
export function page(title: string, source: string, ...parts: readonly string[]): string {
  const head = `---\neditLink: false\n---\n\n# ${title}\n\n<!-- Written by npm run docs:reference from ${source}. Don't edit it here. -->`;
  return `${[head, ...parts.filter((part) => part !== "")].join("\n\n")}\n`;
}
