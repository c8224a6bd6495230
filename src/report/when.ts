import type { System } from "../catalog/types.ts";

/** How a report says moments: in UTC, and in the system's own time zone where it has one. */
export interface When {
  /** An IANA name, or null where only UTC is said. */
  readonly zone: string | null;
  /** `2026-11-21 03:44:00 Europe/Berlin (02:44:00 UTC)`, or `2026-11-21 02:44:00 UTC`. */
  whole(moment: Date): string;
  /** For a sentence: `2026-11-21 03:44 Europe/Berlin (02:44 UTC)`. */
  said(moment: Date): string;
  /** For a narrow column: `03:44:00 (02:44:00 UTC)`, whole where it isn't on this day. */
  short(moment: Date, day: string): string;
  /** `03:44:00` on the clocks of the zone, with its date where it isn't on this day; null where there is no zone. */
  local(moment: Date, day: string): string | null;
  /** The same in UTC. */
  utc(moment: Date, day: string): string;
  /** `2026-11-21` on the calendar of the zone. */
  day(moment: Date): string;
  /** `03:44`, with the date where it isn't that of `day`. */
  minute(moment: Date, day: string): string;
}

export function whenOf({ timezone }: Pick<System, "timezone">): When {
  const zone = timezone === undefined || timezone === "UTC" ? null : timezone;
  const inZone = (moment: Date) => clock(moment, zone ?? "UTC");
  const whole = (moment: Date, shorten: (time: string) => string = (time) => time) => {
    const [utc, local] = [shorten(clock(moment, "UTC")), shorten(inZone(moment))];
    return zone === null ? `${utc} UTC` : `${local} ${zone} (${beside(utc, local)} UTC)`;
  };
  return {
    zone,
    whole: (moment) => whole(moment),
    said: (moment) => whole(moment, (time) => time.slice(0, 16)),
    short(moment, day) {
      const [utc, local] = [clock(moment, "UTC"), inZone(moment)];
      if (local.slice(0, 10) !== day) return whole(moment);
      return zone === null ? `${utc.slice(11)} UTC` : `${local.slice(11)} (${beside(utc, local)} UTC)`;
    },
    local: (moment, day) => (zone === null ? null : beside(inZone(moment), day)),
    utc: (moment, day) => beside(clock(moment, "UTC"), day),
    day: (moment) => inZone(moment).slice(0, 10),
    minute: (moment, day) =>
      inZone(moment).slice(0, 10) === day ? inZone(moment).slice(11, 16) : inZone(moment).slice(0, 16),
  };
}

/** A moment beside the same one on other clocks, or under its day: its date only where that differs. */
function beside(moment: string, other: string): string {
  return other.startsWith(moment.slice(0, 10)) ? moment.slice(11) : moment;
}

function clock(moment: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    ...{ timeZone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit" },
    ...{ hour: "2-digit", minute: "2-digit", second: "2-digit" },
  }).formatToParts(moment);
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("year").padStart(4, "0")}-${of("month")}-${of("day")} ${of("hour")}:${of("minute")}:${of("second")}`;
}
