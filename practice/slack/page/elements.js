import { useState } from "preact/hooks";
import { html } from "./html.js";
import { Menu } from "./menu.js";
import { plain, textOf } from "./mrkdwn.js";
import { ask, channelName, state } from "./state.js";

/**
 * One interactive element.
 * @param {{ element: any, id: string, label?: string, value: any, change: (choice: any) => void, use?: (choice: any) => Promise<any>, suggest?: (query: string) => Promise<any[]> }} props
 *   `change` keeps a value; `use` tells the app at once (absent inside plain input blocks).
 */
export function Element({ element, id, label, value, change, use, suggest }) {
  const [busy, setBusy] = useState(false);
  const settle = async (choice) => {
    change(choice);
    if (!use) return;
    if (element.confirm && !(await ask(element.confirm))) return;
    setBusy(true);
    await use(choice);
    setBusy(false);
  };
  const Kind = kinds[element.type];
  return Kind
    ? html`<${Kind} ...${{ element, id, label, value, change, settle, busy, suggest, sends: use !== undefined }} />`
    : html`<span class="unsupported-element">“${element.type}” is not supported in practice</span>`;
}

/** While it is busy it can't be pressed again, and keeps the focus: a disabled one loses it, and a form that opens could not give it back. */
function Button({ element, settle, busy }) {
  const press = async () => {
    if (busy) return;
    if (element.url && /^https?:/i.test(element.url)) open(element.url, "_blank", "noopener,noreferrer");
    await settle(null);
  };
  return html`<button type="button" class=${`button ${element.style ?? ""}`} aria-busy=${busy} aria-disabled=${busy}
    aria-label=${element.accessibility_label} onClick=${press}>${plain(element.text)}</button>`;
}

function Overflow({ element, settle }) {
  const items = element.options.map((option) => ({
    key: option.value,
    label: plain(option.text),
    pick: () => {
      if (option.url && /^https?:/i.test(option.url)) open(option.url, "_blank", "noopener,noreferrer");
      return settle(option.value);
    },
  }));
  return html`<${Menu} label="More actions" face="⋯" className="button overflow" items=${items} />`;
}

function Select({ element, id, label, value, settle }) {
  const name = label ?? plain(element.placeholder) ?? "Choose";
  return html`<select class="select" id=${id} aria-label=${label ? undefined : name} value=${value ?? ""}
    onChange=${(event) => settle(event.currentTarget.value || null)}>
    <option value="">${plain(element.placeholder) || "Choose an option"}</option>
    ${optionsOf(element).map((part) =>
      part.group ? html`<optgroup label=${part.group}>${part.options.map(optionTag)}</optgroup>` : optionTag(part),
    )}
  </select>`;
}

function optionTag({ value, text }) {
  return html`<option value=${value}>${text}</option>`;
}

function MultiSelect({ element, label, value, settle }) {
  const chosen = value ?? [];
  const all = optionsOf(element).flatMap((part) => part.options ?? [part]);
  const full = element.max_selected_items && chosen.length >= element.max_selected_items;
  const toggle = (one) => settle(chosen.includes(one) ? chosen.filter((other) => other !== one) : [...chosen, one]);
  const summary = all
    .filter((one) => chosen.includes(one.value))
    .map((one) => one.text)
    .join(", ");
  return html`<details class="multi">
    <summary aria-label=${label}>${summary || plain(element.placeholder) || "Choose options"}</summary>
    <div class="choices">
      ${all.map(
        ({ value: one, text }) => html`<label><input type="checkbox" checked=${chosen.includes(one)}
          disabled=${full && !chosen.includes(one)} onChange=${() => toggle(one)} /> ${text}</label>`,
      )}
    </div>
  </details>`;
}

function ExternalSelect({ element, id, value, settle, suggest }) {
  const [found, setFound] = useState([]);
  const look = async (event) => {
    const query = event.currentTarget.value;
    if (query.length >= (element.min_query_length ?? 3)) setFound((await suggest?.(query)) ?? []);
  };
  return html`<span class="external">
    <input id=${id} type="search" class="input" placeholder=${plain(element.placeholder) || "Type to search"} onInput=${look} />
    <${Select} element=${{ ...element, options: found }} value=${value} settle=${settle} label="Found" />
  </span>`;
}

function Choices({ element, id, label, value, settle }) {
  const many = element.type === "checkboxes";
  const chosen = many ? (value ?? []) : [value];
  const pick = (one) =>
    settle(!many ? one : chosen.includes(one) ? chosen.filter((other) => other !== one) : [...chosen, one]);
  return html`<div class="choices" id=${id} role=${many ? "group" : "radiogroup"} aria-label=${label ?? "Options"}>
    ${element.options.map(
      (option) => html`<label>
        <input type=${many ? "checkbox" : "radio"} name=${`${id}`} checked=${chosen.includes(option.value)} onChange=${() => pick(option.value)} />
        <span>${textOf(option.text)}${option.description && html`<small>${textOf(option.description)}</small>`}</span>
      </label>`,
    )}
  </div>`;
}

function Text({ element, id, value, change, settle, sends }) {
  const common = {
    id,
    class: "input",
    value: value ?? "",
    placeholder: plain(element.placeholder) || undefined,
    maxLength: element.max_length ?? 3000,
    autofocus: element.focus_on_load,
    onInput: (event) => change(event.currentTarget.value),
    onKeyDown: (event) => {
      if (sends && event.key === "Enter" && !event.shiftKey) settle(event.currentTarget.value);
    },
  };
  return element.multiline
    ? html`<textarea ...${common} rows="4" />`
    : html`<input type=${textTypes[element.type] ?? "text"} ...${common} />`;
}
const textTypes = { email_text_input: "email", url_text_input: "url" };

function NumberInput({ element, id, value, change }) {
  return html`<input type="number" id=${id} class="input" value=${value ?? ""} min=${element.min_value} max=${element.max_value}
    step=${element.is_decimal_allowed ? "any" : 1} onInput=${(event) => change(event.currentTarget.value)} />`;
}

function Picker({ element, id, label, value, settle }) {
  const moment = element.type === "datetimepicker";
  const shown = moment && value ? localMoment(Number(value)) : (value ?? "");
  const type = { datepicker: "date", timepicker: "time", datetimepicker: "datetime-local" }[element.type];
  const read = (text) => (text === "" ? null : moment ? Math.floor(new Date(text).getTime() / 1000) : text);
  return html`<input type=${type} id=${id} class="input picker" aria-label=${label ? undefined : plain(element.placeholder) || "When"} value=${shown}
    onChange=${(event) => settle(read(event.currentTarget.value))} />`;
}

function Picture({ element }) {
  return html`<span class="picture" role="img" aria-label=${element.alt_text}>🖼 ${element.alt_text}</span>`;
}

const kinds = {
  button: Button,
  overflow: Overflow,
  static_select: Select,
  users_select: Select,
  channels_select: Select,
  conversations_select: Select,
  external_select: ExternalSelect,
  multi_static_select: MultiSelect,
  multi_users_select: MultiSelect,
  multi_channels_select: MultiSelect,
  multi_conversations_select: MultiSelect,
  radio_buttons: Choices,
  checkboxes: Choices,
  plain_text_input: Text,
  email_text_input: Text,
  url_text_input: Text,
  number_input: NumberInput,
  datepicker: Picker,
  timepicker: Picker,
  datetimepicker: Picker,
  image: Picture,
};

/** @returns {any[]} options as `{ value, text }`, or groups of them */
function optionsOf(element) {
  if (element.type.includes("users"))
    return state.users
      .filter((one) => !one.deleted && !one.is_bot)
      .map((one) => ({ value: one.id, text: one.real_name }));
  if (/channels|conversations/.test(element.type))
    return state.channels
      .filter((one) => one.kind !== "im" && !one.archived)
      .map((one) => ({ value: one.id, text: `#${channelName(one)}` }));
  const flat = (options) => (options ?? []).map((one) => ({ value: one.value, text: plain(one.text) }));
  return element.option_groups
    ? element.option_groups.map((group) => ({ group: plain(group.label), options: flat(group.options) }))
    : flat(element.options);
}

function localMoment(seconds) {
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** What an element shows before anyone touched it. */
export function initialOf(element) {
  return (
    element.initial_option?.value ??
    element.initial_options?.map((one) => one.value) ??
    element.initial_value ??
    element.initial_user ??
    element.initial_users ??
    element.initial_channel ??
    element.initial_channels ??
    element.initial_conversation ??
    element.initial_conversations ??
    element.initial_date ??
    element.initial_time ??
    element.initial_date_time ??
    null
  );
}
