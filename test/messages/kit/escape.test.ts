import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { cut, cutAtWord, plain, plainWords, safe, withCommands } from "../../../templates/messages/kit/escape.ts";
import type { Block } from "../../../templates/messages/kit/message.ts";
import { refusal } from "../../../templates/messages/kit/refusal.ts";
import { renderIncident } from "../../../templates/messages/render.ts";
import { failover, orders, seen } from "../../support/orders-system.ts";
import { RecordedIncident } from "../../support/recorded-incident.ts";
import { around } from "../../support/surroundings.ts";

/** What an attacker, or a tired person with a clipboard, puts into a title. */
const hostile = fc.oneof(
  fc.constantFrom(
    "<!channel>",
    "<!here|here>",
    "<@U0VERA>",
    "<#C0INC7K2M|fake>",
    "<https://evil.example|Approve>",
    "https://evil.example",
    "@channel",
    "@here now",
    "*bold* _it_ ~gone~ `code` ```block```",
    "line\nbreak\n> quote",
    "\u202egnisrever",
    "\u2066isolated\u2069",
    "zero\u200bwidth\u200djoined\ufe0f",
    "nul\u0000 bell\u0007 esc\u001b[31m",
    "\u{e0041}\u{e0042}tags",
    "&lt;!channel&gt;",
    "&amp;amp;",
    "<<<>>>",
    "`/dr abort now`",
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
);
const words = fc.array(hostile, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(" "));

describe("letters that look like others", () => {
  test("are marked within a word, once, and real words of another alphabet are left alone", () => {
    expect(plain("wоrker-3")).toBe("wо⟨U+043E⟩rker-3");
    expect(safe("pаypаl")).toBe("pа⟨U+0430⟩ypа⟨U+0430⟩l");
    for (const words of ["Серверы не отвечают", "Διακοπή", "Zürich worker-3", "ordersＡ db", "5 µs"])
      expect(plain(plain(words))).toBe(plain(words));
    expect(plain("Серверы не отвечают")).toBe("Серверы не отвечают");
    expect(plain("ordersＡ")).toContain("⟨U+FF21⟩");
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "а", "w", "о", "-", " ") }),
        (given) => plain(plain(given)) === plain(given),
      ),
    );
  });

  test("and what turns the reading direction or hides is gone from everything that is shown", () => {
    expect(plain("deny\u202e evorppa \u2066x\u2069\u200b")).toBe("deny evorppa x");
  });
});

describe("other people's words", () => {
  test("never carry a live mark, a break or anything that is not seen", () => {
    fc.assert(
      fc.property(words, (text) => {
        const said = safe(text);
        expect(said).not.toMatch(/[<>*~`]/);
        expect(said).not.toMatch(/(?<![\p{L}\p{N}_])_|_(?![\p{L}\p{N}_])/u);
        expect(said).not.toMatch(/&(?!lt;|gt;|amp;)/);
        expect(said).not.toMatch(/\p{Cc}|[\u202a-\u202e\u2066-\u2069\u200b-\u200f]|\n/u);
        expect(said).not.toMatch(/@(channel|here|everyone|group)\b/i);
        expect(said).not.toMatch(/:\/\//);
      }),
    );
  });

  test("stay readable: what needs no taming is unchanged", () => {
    expect(safe("Orders cannot be placed (50 % of users) — since 02:41, see orders_db & billing")).toBe(
      "Orders cannot be placed (50 % of users) — since 02:41, see orders_db &amp; billing",
    );
    expect(plain("a <b> *c*")).toBe("a <b> *c*");
    expect(cut("abcdef", 4)).toBe("abc…");
    expect(cut("🔥🔥🔥", 3)).toBe("🔥🔥🔥");
    expect(cutAtWord("Fence orders-b, or accept that", 20)).toBe("Fence orders-b, or…");
    expect(cutAtWord("Fence orders-b, then", 17)).toBe("Fence orders-b…");
    expect(cutAtWord("Uninterruptiblepowersupply", 10)).toBe("Uninterru…");
    expect(cutAtWord("short", 10)).toBe("short");
  });

  test("commands we tell people to type stay code, and nothing else in the sentence does", () => {
    expect(withCommands("Resolve it: `/dr resolve`, or `rm -rf`")).toBe("Resolve it: `/dr resolve`, or ˋrm -rfˋ");
    expect(withCommands("`/dr note <what>`")).toBe("`/dr note &lt;what&gt;`");
  });

  test("read as plain words on a terminal", () => {
    expect(
      plainWords("*P1* since <!date^1^{time_secs}|2026-11-21 02:44:00 UTC> (02:44:00 UTC) &amp; `/dr status`"),
    ).toBe("P1 since 2026-11-21 02:44:00 UTC & /dr status");
    expect(plainWords("<https://a.example/x|the log>, <#C01|inc>, <@U01>")).toBe(
      "the log (https://a.example/x), #inc, @U01",
    );
  });
});

/** References the bot itself makes: what a person wrote must not add one. */
function references(value: unknown): string[] {
  if (typeof value === "string") return value.match(/<[^>]*>/g) ?? [];
  if (Array.isArray(value)) return value.flatMap(references);
  if (typeof value === "object" && value !== null) {
    const { type, text } = value as { type?: string; text?: unknown };
    if (type === "plain_text" && typeof text === "string") return [];
    return Object.values(value).flatMap(references);
  }
  return [];
}

const OURS = /^<(!date\^\d+\^\{date_short_pretty\} \{time_secs\}\|[0-9: -]+ UTC|#C0INC7K2M|@U0(ANA|BO|VERA))>$/;

describe("whatever people write, wherever it is shown", () => {
  test("no title, note, reason, fact, target or error adds a reference of its own", () => {
    fc.assert(
      fc.property(words, words, words, (title, reason, what) => {
        const plan = { ...failover, title: what, target: title, summary: reason, afterwards: [what] };
        const problem = { code: "x", what, stateNow: reason, next: title };
        const story = new RecordedIncident(orders)
          .ask("ana", {
            ...{ type: "declare", title: `t ${title}`, system: "orders", severity: "P1", kind: "real" },
            ...{ impactStartedAt: null, announceIn: null },
          } as const)
          .request("ana", plan)
          .engine({
            type: "run.preflighted",
            data: {
              ...seen,
              loss: what,
              facts: [{ step: "fence", id: "x", label: reason, value: what, material: true }],
              checks: [{ step: "fence", id: "y", ok: false, level: "warn", says: title }],
            },
          })
          .open("go", "ask-first")
          .ask("bo", { type: "approve", run: "run-4hx8w2pd", ask: "ask-first" })
          .engine({ type: "gate.passed", data: { step: "go", ask: "ask-first", people: ["bo"] } })
          .engine({ type: "step.started", data: { step: "fence", attempt: 1, epoch: "1" } })
          .engine({ type: "step.failed", data: { step: "fence", attempt: 1, problem, retryable: false, seconds: 1 } })
          .ask("bo", { type: "abort", run: "run-4hx8w2pd", reason: `r ${reason}` });
        const view = renderIncident(story.state, around(story));
        const shown = [...view.messages.map(({ message }) => message), refusal(problem)];
        for (const reference of references(shown)) expect(reference).toMatch(OURS);
        expect(view.channel?.name).toMatch(/^[a-z0-9_-]{1,80}$/);
        expect([...(view.channel?.topic ?? "")].length).toBeLessThanOrEqual(250);
      }),
      { numRuns: 60 },
    );
  });

  test("limits of Slack hold for the longest things people may write", () => {
    const long = "W".repeat(149);
    const plan = { ...failover, title: long, target: long.repeat(3), summary: long.repeat(5) };
    const story = new RecordedIncident(orders)
      .ask("ana", {
        ...{ type: "declare", title: long, system: "orders", severity: "P1", kind: "real" },
        ...{ impactStartedAt: null, announceIn: null },
      } as const)
      .request("ana", plan)
      .engine({ type: "run.preflighted", data: { ...seen, loss: long.repeat(4) } })
      .open("go", "ask-first");
    for (const { message } of renderIncident(story.state, around(story)).messages) {
      expect(message.text.length).toBeLessThan(4000);
      expect(message.blocks.length).toBeLessThanOrEqual(50);
      for (const block of message.blocks) within(block);
    }
  });
});

function within(block: Block): void {
  // biome-ignore lint/suspicious/noExplicitAny: Block Kit is plain JSON here.
  const { type, text, fields, elements } = block as any;
  if (type === "header") expect(text.text.length).toBeLessThanOrEqual(150);
  if (type === "section" && text) expect(text.text.length).toBeLessThanOrEqual(3000);
  for (const field of fields ?? []) expect(field.text.length).toBeLessThanOrEqual(2000);
  if (type !== "actions") return;
  for (const button of elements) {
    expect([...button.text.text].length).toBeLessThanOrEqual(30);
    if (!button.confirm) continue;
    expect([...button.confirm.title.text].length).toBeLessThanOrEqual(100);
    expect([...button.confirm.text.text].length).toBeLessThanOrEqual(300);
  }
}
