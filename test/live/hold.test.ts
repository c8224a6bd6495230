import { describe, expect, test } from "@jest/globals";
import { openChanges } from "./changes.ts";
import { dealsOf, hold } from "./hold.ts";
import { type Deal, insist, type Target } from "./target.ts";
import { targets } from "./targets.ts";

/** Something that is on or off, and deals that turn it off and on again. */
function aSwitch(more: (state: { on: boolean }) => Partial<Deal> = () => ({})) {
  const state = { on: true };
  const off: Deal = {
    says: "it is turned off, and on again",
    changes: "the switch: off, and on",
    async hold(changes) {
      const putBack = changes.until({
        left: "the switch is off",
        by: "turn it on",
        back: async () => {
          state.on = true;
        },
      });
      state.on = false;
      await putBack();
      return "it was off";
    },
    ...more(state),
  };
  const look: Deal = { says: "it is looked at", hold: async () => `it is ${state.on ? "on" : "off"}` };
  const target: Target = {
    id: "switch",
    title: "a switch",
    settings: [{ name: "SWITCH", says: "which one" }],
    mayChange: { is: "that switch", does: "goes off and on" },
    standIn: async () => ({ environment: { SWITCH: "1" }, mayChange: "1", stop: async () => {} }),
    deals: () => [off, look],
  };
  return { state, target };
}

async function holding(target: Target, options: Parameters<typeof hold>[4] = {}, named: string | null = "1") {
  const lines: string[] = [];
  const changes = openChanges();
  const held = await hold(target, { SWITCH: "1" }, named, (line) => lines.push(line), { changes, ...options });
  return { lines, text: lines.join("\n"), held: held.map(({ ok }) => ok), left: changes.left() };
}

describe("what a contract changes on someone's staging", () => {
  test("is put back", async () => {
    const { state, target } = aSwitch();
    expect(await holding(target)).toMatchObject({ held: [true, true], left: [] });
    expect(state.on).toBe(true);
  });

  const failing = (putsBack: boolean) => (state: { on: boolean }) => ({
    async hold(changes: Parameters<Deal["hold"]>[0]) {
      const back = async () => {
        insist(putsBack, "the switch is stuck");
        state.on = true;
      };
      changes.until({ left: "the switch is off", by: "turn it on", back });
      state.on = false;
      throw new Error("nothing came of it");
    },
  });

  test("is put back after a failure in between, which is said", async () => {
    const { state, target } = aSwitch(failing(true));
    const { held, text } = await holding(target);
    expect([held, state.on]).toEqual([[false, true], true]);
    expect(text).toContain("Put back after all: the switch is off no longer.");
  });

  test("is told with the way back where it can't be put back, and nothing else is begun", async () => {
    const { target } = aSwitch(failing(false));
    const { held, text, left } = await holding(target);
    expect(held).toEqual([false, null]);
    expect(text).toContain("LEFT CHANGED: the switch is off. To put it back: turn it on.");
    expect(left).toMatchObject([{ left: "the switch is off", by: "turn it on" }]);
  });

  test("is put back on Ctrl-C, and nothing else is begun", async () => {
    const ended = new AbortController();
    const { state, target } = aSwitch((one) => ({
      async hold(changes) {
        const back = async () => {
          one.on = true;
        };
        changes.until({ left: "the switch is off", by: "turn it on", back });
        one.on = false;
        ended.abort(new Error("SIGINT"));
        // What listens to the signal ends; this stands for what waits for a target.
        await new Promise((resolve) => setImmediate(resolve));
        return "never seen";
      },
    }));
    const { held, text } = await holding(target, { signal: ended.signal });
    expect([held, state.on]).toEqual([[false, null], true]);
    expect(text).toContain("Ended: SIGINT");
  });

  test("is nothing with --read-only, whatever is named, and nothing before it is confirmed", async () => {
    const { target } = aSwitch();
    const { held, lines } = await holding(target, { readOnly: true });
    expect([held, lines[0]]).toEqual([[null, true], "Nothing will be changed: --read-only."]);
    const asked: boolean[] = [];
    const confirm = async () => {
      asked.push(true);
      return false;
    };
    await expect(holding(target, { confirm })).rejects.toThrow("Nothing was changed.");
    await holding(target, { confirm }, null);
    expect(asked).toEqual([true]);
  });
});

test("each suite says what it proves, and what it changes for that, without any setting", () => {
  for (const target of targets) {
    const deals = dealsOf(target);
    expect(deals.length).toBeGreaterThan(1);
    expect([target.id, deals.some(({ changes }) => changes !== undefined)]).toEqual([target.id, true]);
    expect(JSON.stringify(deals)).not.toContain(".invalid");
  }
});
