import { type Link, lostConnection } from "../support/memory-store/link.ts";
import type { Random } from "../support/random.ts";
import type { Process, VirtualTime } from "./time.ts";

/** What is wrong with the way to the database. */
export interface StoreWeather {
  /** Share of requests that go wrong. */
  trouble: number;
  isDown: boolean;
}

export interface StoreLinkParts {
  readonly time: VirtualTime;
  readonly process: Process;
  readonly random: Random;
  readonly weather: StoreWeather;
  readonly note: (fault: string) => void;
  readonly trace: (line: string) => void;
}

/** The way of one process to the database, in virtual time. */
export function createStoreLink({ time, process, random, weather, note, trace }: StoreLinkParts): Link {
  return {
    ask(what, work, interactive = false) {
      if (!process.sends()) return new Promise(() => {});
      const fate = weather.isDown
        ? "store away"
        : random.chance(weather.trouble)
          ? random.one(["request lost", "answer lost", "slow"] as const)
          : "well";
      if (fate !== "well") note(`store: ${interactive && fate === "answer lost" ? "commit in doubt" : fate}`);
      const wait = random.between(0.5, 4) + (fate === "slow" ? random.between(200, 4_000) : 0);
      const back = random.between(0.5, 4);
      // A decision is made of several requests: it is not gone on with by a process that stands still or has ended.
      const doer = interactive && !process.isDead ? process : null;
      return new Promise((resolve, reject) => {
        const answer = (tell: () => void) => time.after(back, process, tell);
        time.after(wait, doer, () => {
          if (fate === "request lost" || fate === "store away") return void answer(() => reject(lostConnection()));
          try {
            const done = work();
            trace(`${process.name} ${what} ${fate}`);
            answer(() => (fate === "answer lost" ? reject(lostConnection()) : resolve(done)));
          } catch (error) {
            answer(() => reject(error));
          }
        });
      });
    },
    notice(hear) {
      if (weather.isDown || random.chance(weather.trouble)) return note("store: notice lost");
      time.after(random.between(0.5, 20), process, hear);
    },
  };
}
