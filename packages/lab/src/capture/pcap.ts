/** A captured packet. */
export interface Captured {
  /** Microseconds since the epoch. */
  readonly time: number;
  readonly bytes: Uint8Array;
}

const MAGIC = 0xa1b2c3d4;

/** Reads classic pcap (microseconds, this machine's byte order) piece by piece, as tcpdump writes it. */
export class PcapReader {
  #rest = Buffer.alloc(0);
  /** LINKTYPE_ of the file, once its header was read: 1 Ethernet, 276 Linux cooked v2. */
  linkType: number | undefined;

  /** The records that are complete with this piece. */
  push(piece: Uint8Array): Captured[] {
    this.#rest = Buffer.concat([this.#rest, piece]);
    if (this.linkType === undefined && !this.#readHeader()) return [];
    const records: Captured[] = [];
    let at = 0;
    while (this.#rest.length >= at + 16) {
      const length = this.#rest.readUInt32LE(at + 8);
      if (this.#rest.length < at + 16 + length) break;
      const time = this.#rest.readUInt32LE(at) * 1e6 + this.#rest.readUInt32LE(at + 4);
      records.push({ time, bytes: Uint8Array.from(this.#rest.subarray(at + 16, at + 16 + length)) });
      at += 16 + length;
    }
    this.#rest = this.#rest.subarray(at);
    return records;
  }

  #readHeader(): boolean {
    if (this.#rest.length < 24) return false;
    if (this.#rest.readUInt32LE(0) !== MAGIC) throw new Error("This is not a pcap file of microseconds.");
    this.linkType = this.#rest.readUInt32LE(20) & 0xffff;
    this.#rest = this.#rest.subarray(24);
    return true;
  }
}
