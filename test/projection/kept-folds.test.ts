import { describe, expect, test } from "@jest/globals";
import { keepFolds } from "../../src/projection/kept-folds.ts";
import type { StoredEvent } from "../../src/timeline/contract.ts";

/** Given a stream that grows; when what it makes is asked again and again; then every event was folded once, and it's what all of them make. */
function stream() {
  const stored: StoredEvent[] = [];
  const rereads: (() => void)[] = [];
  const asked: number[] = [];
  let folded = 0;
  let meanwhile = () => {};
  const folds = keepFolds<readonly string[]>(
    {
      async read(_, after = 0) {
        asked.push(after);
        const events = stored.slice(after);
        meanwhile();
        meanwhile = () => {};
        return events;
      },
      onReread: (again) => {
        rereads.push(again);
        return () => {};
      },
    },
    [],
    (before, events) => {
      folded += events.length;
      return [...before, ...events.map(({ type }) => type)];
    },
  );
  const append = (...types: readonly string[]) => {
    for (const type of types) stored.push(event(type, stored.length + 1, types.join()));
  };
  const counts = () => ({ folded, asked });
  const reread = () => {
    for (const again of rereads) again();
  };
  const during = (then: () => void) => {
    meanwhile = then;
  };
  return { folds, stored, append, counts, reread, during };
}

function event(type: string, version: number, salt: string): StoredEvent {
  const hash = `${version}/${type}/${salt}`;
  return {
    ...{ stream: "s", version, key: hash, run: null, type, data: {}, actor: {}, at: new Date(version) },
    ...{ previousHash: "", hash },
  };
}

describe("what the events of a stream make", () => {
  test("is folded on, whatever its length", async () => {
    const { folds, append, counts } = stream();
    expect(await folds.read("s")).toEqual([]);
    for (let n = 0; n < 100; n++) {
      append("a", "b");
      expect((await folds.read("s")).length).toBe(2 * (n + 1));
      await folds.read("s");
    }
    expect(counts().folded).toBe(200);
    expect(counts().asked.at(-1)).toBe(200);
    expect(folds.kept("s")?.slice(0, 3)).toEqual(["a", "b", "a"]);
    expect(folds.kept("other")).toBeUndefined();
  });

  test("is folded on where all of them are at hand, and nothing that isn't committed is kept", async () => {
    const { folds, append, stored, counts } = stream();
    append("a", "b");
    await folds.read("s");
    const undecided = [...stored, event("c", 3, "undecided")];
    expect(folds.of("s", undecided)).toEqual(["a", "b", "c"]);
    expect(counts().folded).toBe(3);
    expect(folds.kept("s")).toEqual(["a", "b"]);
  });

  test("begins again where the stream isn't the one that was folded", async () => {
    const { folds, append } = stream();
    append("a", "b");
    await folds.read("s");
    expect(folds.of("s", [event("x", 1, "another"), event("y", 2, "another")])).toEqual(["x", "y"]);
  });

  test("is read again after a store that came back older, also where that was while it was read", async () => {
    const { folds, append, stored, reread, during } = stream();
    append("a", "b");
    await folds.read("s");
    stored.length = 0;
    append("z");
    reread();
    expect(folds.kept("s")).toBeUndefined();
    expect(await folds.read("s")).toEqual(["z"]);
    append("q");
    during(() => {
      stored.length = 0;
      append("new");
      reread();
    });
    expect(await folds.read("s")).toEqual(["new"]);
  });
});
