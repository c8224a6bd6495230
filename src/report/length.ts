/** A number of seconds as a person says it: `0.4 s`, `41 s`, `3 min 12 s`, `1 h 5 min`. */
export function length(seconds: number): string {
  const size = Math.abs(seconds);
  const sign = seconds < 0 ? "-" : "";
  if (size < 9.95) return `${sign}${Math.round(size * 10) / 10} s`;
  const whole = Math.round(size);
  if (whole < 60) return `${sign}${whole} s`;
  if (whole < 3600) return `${sign}${pair(Math.floor(whole / 60), "min", whole % 60, "s")}`;
  const minutes = Math.round(whole / 60);
  return `${sign}${pair(Math.floor(minutes / 60), "h", minutes % 60, "min")}`;
}

function pair(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
}
