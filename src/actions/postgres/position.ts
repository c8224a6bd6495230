/** A place in the write-ahead log as PostgreSQL prints it: `0/3000148`. Text on the timeline, a number to count with. */
export type Position = string;

export function bytesOf(position: Position): bigint {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(position);
  if (!match) throw new TypeError(`“${position}” is not a position in a write-ahead log.`);
  return (BigInt(`0x${match[1]}`) << 32n) + BigInt(`0x${match[2]}`);
}

/** How many bytes `behind` has not got yet; 0 when it is level or further. */
export function bytesBehind(ahead: Position, behind: Position): number {
  const distance = bytesOf(ahead) - bytesOf(behind);
  return distance > 0n ? Number(distance) : 0;
}

export function reached(position: Position, target: Position): boolean {
  return bytesOf(position) >= bytesOf(target);
}
