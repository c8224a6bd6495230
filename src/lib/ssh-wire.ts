/** Reads the fields of an SSH wire format one after the other. @see https://www.rfc-editor.org/rfc/rfc4251#section-5 */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @throws RangeError when fewer bytes are left. */
  take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new RangeError("The SSH data is too short.");
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  uint8(): number {
    return this.take(1).readUInt8();
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  string(): Buffer {
    return this.take(this.uint32());
  }

  text(): string {
    return this.string().toString("latin1");
  }

  /** An unsigned integer as big-endian bytes without leading zeros. */
  mpint(): Buffer {
    const bytes = this.string();
    const first = bytes.findIndex((byte) => byte !== 0);
    return first === -1 ? Buffer.alloc(0) : bytes.subarray(first);
  }

  /** @throws RangeError when anything is left: what no one read was not checked. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new RangeError("The SSH data has something left at its end.");
  }
}

export function wireString(value: string | Uint8Array): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value, "latin1") : value;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
