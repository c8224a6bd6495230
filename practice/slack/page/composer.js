import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { Menu } from "./menu.js";
import { act, channelName, channelOf, state, whisper } from "./state.js";

/** Where one types. Enter sends, Shift+Enter starts a line, Tab takes the hint, ↑ and ↓ choose among hints. */
export function Composer({ channel, thread }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [busy, setBusy] = useState(false);
  const [quiet, setQuiet] = useState(false);
  const box = useRef(null);
  const picker = useRef(null);
  const hints = quiet ? [] : hintsFor(text, thread);

  useEffect(() => {
    const fill = (event) => {
      if ((event.detail.channel ?? channel) !== channel || thread) return;
      setText(event.detail.text);
      box.current.focus();
    };
    document.addEventListener("compose", fill);
    return () => document.removeEventListener("compose", fill);
  }, [channel, thread]);
  useEffect(() => {
    const { style } = box.current;
    style.height = "auto";
    // While its screen is hidden it measures nothing, and the style sheet's one line is right.
    style.height = text === "" || box.current.scrollHeight === 0 ? "" : `${Math.min(box.current.scrollHeight, 200)}px`;
  }, [text]);

  const send = async () => {
    const words = text.trim();
    if (words === "" || busy) return;
    setText("");
    setQuiet(false);
    const isCommand = words.startsWith("/");
    setBusy(isCommand);
    const outcome = await act({ do: isCommand ? "slash" : "say", text: words, channel, thread });
    setBusy(false);
    if (!outcome.ok) whisper(channel, outcome.said, thread);
    box.current?.focus();
  };
  const take = (hint) => {
    setText(hint.take);
    setAt(0);
    box.current.focus();
  };
  const keys = (event) => {
    if (event.isComposing) return;
    const open = hints.length > 0;
    if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      setQuiet(true);
    } else if (event.key === "Tab" && !event.shiftKey && open && hints[at]?.take !== text) {
      event.preventDefault();
      take(hints[at] ?? hints[0]);
    } else if (open && hints.length > 1 && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      setAt((at + (event.key === "ArrowDown" ? 1 : -1) + hints.length) % hints.length);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    }
  };
  const share = async (event) => {
    const [file] = event.currentTarget.files;
    if (!file) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    let binary = "";
    for (const byte of bytes) binary += String.fromCharCode(byte);
    const outcome = await act({
      do: "share",
      channel,
      thread,
      name: file.name,
      base64: btoa(binary),
      text: text.trim(),
    });
    setText("");
    if (!outcome.ok) whisper(channel, outcome.said, thread);
  };
  const where = channelOf(channel);
  const label = thread ? "Reply" : `Message ${where?.kind === "im" ? "" : "#"}${channelName(where)}`;
  const listId = `hints-${thread ?? channel}`.replace(".", "-");
  return html`<form class="composer" onSubmit=${(event) => {
    event.preventDefault();
    send();
  }}>
    ${
      hints.length > 0 &&
      html`<ul class="hints" role="listbox" id=${listId} aria-label="Suggestions">
      ${hints.map(
        (hint, i) => html`<li role="option" id=${`${listId}-${i}`} aria-selected=${i === at} onPointerDown=${(
          event,
        ) => {
          event.preventDefault();
          take(hint);
        }}>
        <strong>${hint.label}</strong> <code>${hint.usage}</code><small>${hint.note}</small></li>`,
      )}
    </ul>`
    }
    <div class="composer-box">
      <${Shortcuts} channel=${channel} attach=${() => picker.current.click()} />
      <input type="file" ref=${picker} hidden onChange=${share} aria-label="Attach a file" />
      <textarea ref=${box} rows="1" value=${text} placeholder=${label} aria-label=${label}
        aria-controls=${hints.length > 0 ? listId : undefined} aria-activedescendant=${hints.length > 0 ? `${listId}-${at}` : undefined}
        onInput=${(event) => {
          setText(event.currentTarget.value);
          setQuiet(false);
          setAt(0);
        }} onKeyDown=${keys}></textarea>
      <button type="submit" class="send" aria-label="Send" disabled=${text.trim() === "" || busy}>
        <svg viewBox="0 0 20 20" aria-hidden="true"><path d="M3 3l14 7-14 7 2.5-7z" fill="currentColor" /></svg></button>
    </div>
    <p class="composer-note" aria-live="polite">${busy ? "Waiting for Lifeboat…" : ""}</p>
  </form>`;
}

function Shortcuts({ channel, attach }) {
  const items = state.shortcuts
    .filter((one) => one.type === "global")
    .map((one) => ({
      key: one.callback_id,
      label: one.name,
      note: one.description,
      pick: async () => {
        const outcome = await act({ do: "shortcut", callback: one.callback_id });
        if (!outcome.ok) whisper(channel, outcome.said);
      },
    }));
  return html`<${Menu} label="Shortcuts and files" face="+" className="plus" items=${[...items, { key: "file", label: "Attach a file", pick: attach }]} />`;
}

/** Commands while one is typed, people after an @. */
function hintsFor(text, thread) {
  const person = /(^|\s)@([\p{L}]*)$/u.exec(text);
  if (person) {
    const start = text.slice(0, text.length - person[2].length);
    return state.users
      .filter((user) => `${user.name} ${user.real_name}`.toLowerCase().includes(person[2].toLowerCase()))
      .slice(0, 6)
      .map((user) => ({
        label: user.real_name,
        usage: `@${user.name}`,
        note: user.profile.title,
        take: `${start}${user.name} `,
      }));
  }
  if (!text.startsWith("/") || text.includes("\n")) return [];
  if (thread)
    return [
      {
        label: "Not here",
        usage: "",
        note: "Slack has no slash commands in threads. Mention @lifeboat instead.",
        take: "@lifeboat ",
      },
    ];
  const [verb = ""] = text.split(" ");
  return state.commands
    .filter((one) => (text.includes(" ") ? one.command === verb : one.command.startsWith(verb)))
    .map((one) => ({
      label: one.command,
      usage: one.usage_hint ?? "",
      note: one.description,
      take: text.includes(" ") ? text : `${one.command} `,
    }));
}
