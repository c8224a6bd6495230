import ms, { type StringValue } from "ms";
import { z } from "zod";

const written = /^\d+(\.\d+)?(s|m|h|d)$/;

/** Written `90s`, `10m`, `1h`, `1d`; read as seconds. The unit is required, for zero too: `0s`. */
export const duration = z
  .string()
  .regex(written, "A duration is a number and its unit: 90s, 10m, 1h, 1d (no time at all is 0s)")
  .transform((text) => ms(text as StringValue) / 1000)
  .describe("A number and its unit: 90s, 10m, 1h, 1d");

/** Seconds as people say them: `30 s`, `2 min 1 s`, `1 h 30 min`. */
export function saySeconds(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds * 10) / 10} s`;
  const whole = Math.round(seconds);
  const parts: [number, string][] = [
    [Math.floor(whole / 3600), "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}
