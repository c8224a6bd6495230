import { Element, initialOf } from "./elements.js";
import { html } from "./html.js";
import { markdown, mrkdwn, plain, textOf } from "./mrkdwn.js";
import { act } from "./state.js";

/**
 * Blocks of a message or view.
 * @param {{ blocks: any[], place: any, filled: any, fill: (block: string, action: string, choice: any) => void, failed?: (outcome: any) => void, errors?: Record<string, string>, level?: 2 | 3 }} props `level`: of headings, one below those around
 */
export function Blocks({ blocks, place, filled, fill, failed, errors = {}, level = 2 }) {
  /** Everything one element needs, whichever block it stands in. */
  const wire = (block, element) => ({
    element,
    id: `${keyOf(place)}-${block.block_id}-${element.action_id}`,
    value: chosenIn(filled, block, element),
    change: (choice) =>
      element.type === "button" || element.type === "overflow" || fill(block.block_id, element.action_id, choice),
    use: async (choice) => {
      const at = { place, block: block.block_id, action: element.action_id };
      const kept = { ...filled, [block.block_id]: { ...filled[block.block_id], [element.action_id]: choice } };
      const outcome = await act({ do: "use", ...at, choice, filled: element.type === "button" ? filled : kept });
      failed?.(outcome.ok ? null : outcome);
    },
    suggest: async (query) => {
      const outcome = await act({ do: "suggest", place, block: block.block_id, action: element.action_id, query });
      return outcome.options ?? [];
    },
  });
  return html`<div class="blocks">
    ${blocks.map((block) => {
      const Kind = kinds[block.type] ?? Unknown;
      return html`<${Kind} key=${block.block_id} block=${block} wire=${wire} level=${level} error=${errors[block.block_id]} />`;
    })}
  </div>`;
}

function Section({ block, wire }) {
  return html`<div class="block section">
    <div class="section-words">
      ${block.text && html`<div class="words">${textOf(block.text)}</div>`}
      ${block.fields && html`<div class="fields">${block.fields.map((field) => html`<div class="words">${textOf(field)}</div>`)}</div>`}
    </div>
    ${block.accessory && html`<div class="accessory"><${Element} ...${wire(block, block.accessory)} /></div>`}
  </div>`;
}

function Header({ block, level }) {
  return html`<${`h${level}`} class="block header">${plain(block.text)}<//>`;
}

function Divider() {
  return html`<hr class="block" />`;
}

function Context({ block }) {
  return html`<div class="block context">
    ${block.elements.map((one) => (one.type === "image" ? html`<span role="img" aria-label=${one.alt_text}>🖼</span>` : html`<span>${textOf(one)}</span>`))}
  </div>`;
}

function Actions({ block, wire }) {
  return html`<div class="block actions">${block.elements.map((element) => html`<${Element} key=${element.action_id} ...${wire(block, element)} />`)}</div>`;
}

function Input({ block, wire, error }) {
  const parts = wire(block, block.element);
  const label = plain(block.label);
  const note = `${parts.id}-note`;
  return html`<div class=${`block input-block ${error ? "faulty" : ""}`}>
    <label class="input-label" for=${parts.id}>${label}${block.optional && html` <span class="optional">(optional)</span>`}</label>
    <${Element} ...${parts} label=${label} use=${block.dispatch_action ? parts.use : undefined} />
    ${error && html`<p class="fault" role="alert" id=${note}>${error}</p>`}
    ${block.hint && html`<p class="hint">${plain(block.hint)}</p>`}
  </div>`;
}

/** No picture is fetched from elsewhere: practice speaks to no one. */
function Image({ block }) {
  return html`<figure class="block picture-block">
    ${block.title && html`<figcaption>${plain(block.title)}</figcaption>`}
    <div class="picture" role="img" aria-label=${block.alt_text}>🖼 ${block.alt_text}</div>
  </figure>`;
}

function Markdown({ block }) {
  return html`<div class="block words markdown">${markdown(block.text)}</div>`;
}

function Table({ block }) {
  return html`<div class="block table-scroll" tabindex="0" role="region" aria-label="Table"><table>
    ${block.rows.map((row, i) => html`<tr>${row.map((cell) => html`<${i === 0 ? "th" : "td"}>${cell.type === "raw_text" ? cell.text : richText(cell.elements ?? [])}<//>`)}</tr>`)}
  </table></div>`;
}

function RichText({ block }) {
  return html`<div class="block words">${richText(block.elements)}</div>`;
}

function richText(elements) {
  return elements.map((one) => {
    switch (one.type) {
      case "rich_text_section":
        return html`<p>${richText(one.elements)}</p>`;
      case "rich_text_preformatted":
        return html`<pre>${richText(one.elements)}</pre>`;
      case "rich_text_quote":
        return html`<blockquote>${richText(one.elements)}</blockquote>`;
      case "rich_text_list":
        return html`<${one.style === "ordered" ? "ol" : "ul"}>${one.elements.map((item) => html`<li>${richText(item.elements)}</li>`)}<//>`;
      case "text":
        return styled(one);
      case "link":
        return mrkdwn(`<${one.url}|${(one.text ?? one.url).replace(/[&<>]/g, "")}>`);
      case "user":
        return mrkdwn(`<@${one.user_id}>`);
      case "channel":
        return mrkdwn(`<#${one.channel_id}>`);
      case "emoji":
        return mrkdwn(`:${one.name}:`);
      default:
        return null;
    }
  });
}

function styled({ text, style = {} }) {
  let node = text;
  for (const [name, tag] of [
    ["bold", "strong"],
    ["italic", "em"],
    ["strike", "del"],
    ["code", "code"],
  ])
    if (style[name]) node = html`<${tag}>${node}<//>`;
  return node;
}

function Unknown({ block }) {
  return html`<div class="block unknown">
    <strong>“${block.type}” blocks are not supported in practice.</strong> Slack may show it; this page can't.
    <details><summary>Its JSON</summary><pre>${JSON.stringify(block, null, 2)}</pre></details>
  </div>`;
}

const kinds = {
  section: Section,
  header: Header,
  divider: Divider,
  context: Context,
  actions: Actions,
  input: Input,
  image: Image,
  markdown: Markdown,
  table: Table,
  rich_text: RichText,
};

/** What was filled in, null when it was cleared, else what it starts with. */
function chosenIn(filled, block, element) {
  const given = filled[block.block_id]?.[element.action_id];
  return given === undefined ? initialOf(element) : given;
}

function keyOf(place) {
  return place.view ?? `${place.channel}-${place.ts}`.replace(".", "-");
}
