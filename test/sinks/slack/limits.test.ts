import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { checkBlocks, checkView } from "../../../practice/slack/blockkit/check.ts";
import { limits } from "../../../src/sinks/slack/limits.ts";
import {
  channelName,
  disarm,
  topicText,
  truncateForm,
  truncateHome,
  truncateMessage,
  truncateText,
} from "../../../src/sinks/slack/truncate.ts";
import type { Block } from "../../../templates/messages/kit/message.ts";

const long = (letter: string, times: number) => letter.repeat(times);
const mrkdwn = (text: string) => ({ type: "mrkdwn", text });
const plain = (text: string) => ({ type: "plain_text", text });

describe("words that leave this workspace", () => {
  test.each([
    ["<!channel>", "@\u2060channel"],
    ["<!here|here>", "@\u2060here"],
    ["<!subteam^S123|@everyone>", "@\u2060subteam"],
    ["<!everyone", "@\u2060everyone"],
    ["<!date^1|{time}|02:00 UTC>", "<!date^1|{time}|02:00 UTC>"],
    ["<@U1> &lt;!channel&gt;", "<@U1> &lt;!channel&gt;"],
  ])("%s leaves as %s", (said, leaves) => expect(disarm(said)).toBe(leaves));

  test("what is cut is not cut in half", () => {
    expect(truncateText(`${long("a", 90)}&amp;${long("b", 20)}`, 98)).not.toMatch(/&[a-z]*…/);
    expect(truncateText(`${long("a", 60)}<https://example.org/${long("b", 50)}|here>`, 90)).toBe(`${long("a", 60)}…`);
    expect(truncateText(long("🛟", 60), 100)).toBe(`${long("🛟", 47)}…`);
    expect(truncateText(`\`\`\`${long("x", 200)}\`\`\``, 100)).toMatch(/x…\n```$/);
  });

  test("a channel's name is one Slack takes", () => {
    expect(channelName("INC 2026/11: Größe — DB")).toBe("inc-2026-11-gro-e-db");
    expect(channelName("🔥")).toBe("incident");
    expect(channelName(long("a", 100), "-2")).toHaveLength(80);
    expect(topicText(long("a", 400)).length).toBeLessThanOrEqual(250);
  });
});

describe("the worst rendered message", () => {
  test("fits, and keeps its buttons", () => {
    const blocks: Block[] = [
      ...Array.from({ length: 70 }, () => ({ type: "section", text: mrkdwn(long("é", 5000)) })),
      {
        type: "actions",
        elements: [{ type: "button", action_id: "gate.approve", value: "k", text: plain("Approve") }],
      },
    ];
    const truncated = truncateMessage({ text: long("t", 9000), blocks });
    expect(truncated.text.length).toBeLessThanOrEqual(4000);
    expect(truncated.blocks.length).toBeLessThanOrEqual(50);
    expect(truncated.blocks.some((block) => block.type === "actions")).toBe(true);
    expect(truncated.blocks.at(-1)).toMatchObject({ type: "context" });
    expect(() => checkBlocks(truncated.blocks, "message")).not.toThrow();
  });

  test("a key that does not fit is left out with its button, never cut", () => {
    const { blocks } = truncateMessage({
      text: "x",
      blocks: [
        { type: "actions", elements: [{ type: "button", text: plain("Go"), value: long("k", 2001), action_id: "a" }] },
      ],
    });
    expect(blocks).toEqual([]);
  });

  test("a view too heavy for Slack keeps its beginning", () => {
    const section = { type: "section", text: mrkdwn(long("語", 3000)) };
    const blocks = truncateHome(Array.from({ length: 100 }, () => section));
    expect(() => checkView({ type: "home", blocks }, "home")).not.toThrow();
    expect(Buffer.byteLength(JSON.stringify(blocks))).toBeLessThan(limits.viewBytes);
    expect(blocks.length).toBeGreaterThan(20);
  });

  test("a form that would carry too much is refused", () => {
    const form = {
      callback: "declare",
      title: long("t", 99),
      submit: "Declare it now, all of it",
      actionValue: "",
      blocks: [],
    };
    expect(() => truncateForm(form, long("k", 3001))).toThrow("carries more than Slack brings back");
    const view = truncateForm(form, "k");
    expect(() => checkView(view, "modal")).not.toThrow();
  });
});

describe("any message, clamped, passes the workspace's validator", () => {
  const words = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.constantFrom("", long("a", 3500), long("<!channel>", 400), `&amp;${long("&lt;", 1000)}`, long("```", 500)),
  );
  const text = fc.oneof(
    fc.record(
      { type: fc.constantFrom("mrkdwn", "plain_text"), text: words, verbatim: fc.boolean() },
      { requiredKeys: [] },
    ),
    words,
  );
  const short = fc.oneof(fc.string({ maxLength: 10 }), fc.constantFrom("", long("v", 3000)));
  const option = fc.record({ text, value: short }, { requiredKeys: [] });
  const element = fc.record(
    {
      type: fc.constantFrom(
        "button",
        "static_select",
        "overflow",
        "radio_buttons",
        "checkboxes",
        "image",
        "users_select",
        "plain_text_input",
        "datepicker",
        "timepicker",
        "datetimepicker",
        "number_input",
        "mystery",
      ),
      text,
      action_id: fc.constantFrom("a", "b", "", long("x", 300)),
      value: short,
      url: short,
      style: fc.constantFrom("primary", "danger", "loud"),
      accessibility_label: words,
      confirm: fc.record({ title: text, text, confirm: text, deny: text }, { requiredKeys: [] }),
      options: fc.array(option, { maxLength: 120 }),
      initial_option: option,
      placeholder: text,
      image_url: short,
      alt_text: words,
      initial_value: fc.oneof(words, fc.constantFrom("7", "-1.5")),
      initial_date: fc.constantFrom("2026-11-30", "soon", ""),
      initial_time: fc.constantFrom("02:41", "2:41:07"),
      initial_date_time: fc.oneof(fc.integer(), fc.constantFrom(1_764_000_000)),
      initial_user: fc.constantFrom("UALEX", "", "nobody"),
      min_value: fc.constantFrom("0", "", "few"),
      is_decimal_allowed: fc.boolean(),
      max_length: fc.integer(),
    },
    { requiredKeys: ["type"] },
  );
  const block = fc.record(
    {
      type: fc.constantFrom(
        "section",
        "header",
        "context",
        "actions",
        "divider",
        "image",
        "input",
        "markdown",
        "mystery",
      ),
      block_id: fc.constantFrom("one", "two", long("x", 300)),
      text,
      fields: fc.array(text, { maxLength: 12 }),
      accessory: element,
      elements: fc.array(fc.oneof(element, text), { maxLength: 30 }),
      element,
      label: text,
      hint: text,
      title: text,
      image_url: short,
      alt_text: words,
      optional: fc.boolean(),
    },
    { requiredKeys: ["type"] },
  );
  const blocks = fc.array(block, { maxLength: 60 }) as unknown as fc.Arbitrary<Block[]>;

  test("as a message", () => {
    fc.assert(
      fc.property(words, blocks, (said, drawn) => {
        const truncated = truncateMessage({ text: said, blocks: drawn });
        checkBlocks(truncated.blocks, "message");
        expect(truncated.text.length).toBeGreaterThan(0);
        expect(truncated.text.length).toBeLessThanOrEqual(limits.messageText);
        expect(JSON.stringify(truncated)).not.toMatch(/"text":"[^"]*<!(?!date)/);
      }),
      { numRuns: 150 },
    );
  });

  test("as a form and as a Home tab", () => {
    fc.assert(
      fc.property(words, blocks, (title, drawn) => {
        checkView(
          truncateForm({ callback: "declare", title, submit: title, actionValue: "", blocks: drawn }, "k"),
          "modal",
        );
        checkView({ type: "home", blocks: truncateHome(drawn) }, "home");
      }),
      { numRuns: 100 },
    );
  });
});
