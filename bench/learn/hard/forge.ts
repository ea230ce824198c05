import { packet } from "@onehop/core";
import type { Learn } from "@onehop/datapath";

export type Outcome = Exclude<keyof typeof Learn, "NONE" | "MAX">;

/** What a forger may know at worst, and what the host that is lied to (h1) knows. */
export interface Scene {
  readonly vpc: number;
  /** Another VPC that h1 serves. */
  readonly otherVpc: number;
  readonly key: string;
  readonly keyVersion: number;
  /** By host name. */
  readonly tunnel: (host: string) => string;
  readonly numberOf: (host: string) => number;
  /** Learned by h1 from h2. */
  readonly entry: {
    readonly address: string;
    readonly port: string;
    readonly epoch: number;
    readonly revision: bigint;
  };
  /** An answer of h2 that h1 accepted, as it was on the wire. */
  readonly recorded: Uint8Array;
  /** Of the question about the entry that is open where a forgery wants one. */
  readonly nonce: bigint;
}

/** What must be so at h1 while these are sent. */
export type Setting = "nothing asked" | "asked" | "asked long ago" | "floor above" | "teacher barred";

export interface Forgery {
  readonly name: string;
  /** In whose network namespace it is sent: the router's own, or that of a host that was taken over. */
  readonly from: "underlay" | "h3";
  readonly setting: Setting;
  /** How h1 must count each; undefined: it is no message, and nothing is counted. */
  readonly counted: Outcome | undefined;
  /** An IPv4 packet to h1; each of a series may differ. */
  readonly make: (n: number) => Uint8Array;
}

const { frame, ipv4, udp, LEARNING_PORT, encodeMessage } = packet;
const NOBODY = "203.0.113.9";
const NO_KEY = "0f".repeat(16);
const NONCE_AT = 24;
const TAG_AT = 80;

type Said = Parameters<typeof encodeMessage>[0];

/** All of them, each as good as it can be but for what it is rejected for. */
export function forgeries(s: Scene): Forgery[] {
  return [...spoofed(s), ...deformed(s), ...replayed(s), ...takenOver(s), ...tunnelled(s)];
}

/** A right answer of h2, who has the port. */
const truth = (s: Scene): Said => ({
  ...{ kind: "teach", vpc: s.vpc, key_version: s.keyVersion, nonce: s.nonce },
  ...{ asker: s.numberOf("h1"), teller: s.numberOf("h2") },
  ...s.entry,
});

const unknownWithRoster = (s: Scene): Said => ({ ...truth(s), kind: "unknown", roster: 1 });

/** A lie of h3: that it has the port by a later binding. */
export const lie = (s: Scene): Said => ({ ...truth(s), teller: s.numberOf("h3"), revision: s.entry.revision + 1000n });

const datagram = (src: string, dst: string, payload: Uint8Array): Uint8Array =>
  frame(ipv4({ src, dst, df: true }), udp({ sport: LEARNING_PORT, dport: LEARNING_PORT, checksum: 0 }), payload);

/** By who has no key, in the name of h2 or of nobody. */
function spoofed(s: Scene): Forgery[] {
  const base = { from: "underlay", setting: "asked" } as const;
  const as = (src: string, said: Said, key: string) => () => datagram(src, s.tunnel("h1"), encodeMessage(said, key));
  const h2 = s.tunnel("h2");
  return [
    { ...base, name: "of a stranger", counted: "STRANGER", make: as(NOBODY, truth(s), s.key) },
    {
      ...base,
      name: "forged without the key",
      counted: "TAG",
      make: (n) => datagram(h2, s.tunnel("h1"), encodeMessage({ ...truth(s), sequence: n }, NO_KEY)),
    },
    {
      ...base,
      name: "of a key version that never was",
      counted: "KEY_VERSION",
      make: as(h2, { ...truth(s), key_version: s.keyVersion + 7 }, s.key),
    },
    {
      ...base,
      name: "of a VPC not served here",
      counted: "NO_KEY",
      make: as(h2, { ...truth(s), vpc: 9_999_999 }, s.key),
    },
  ];
}

/** Of another form than a message's; the tag is right where it covers what is wrong. */
function deformed(s: Scene): Forgery[] {
  const right = encodeMessage(truth(s), s.key);
  const [src, dst] = [s.tunnel("h2"), s.tunnel("h1")];
  const resigned = (at: number, value: number): Uint8Array => {
    const b = right.slice();
    b[at] = value;
    new DataView(b.buffer).setBigUint64(TAG_AT, packet.tagOf(b, s.key), true);
    return b;
  };
  const longer = packet.concat([right, new Uint8Array(1200)]);
  const ports = udp({ sport: 4000, dport: LEARNING_PORT, checksum: 0 });
  const makes: Readonly<Record<string, (n: number) => Uint8Array>> = {
    "of another version": () => datagram(src, dst, resigned(0, 1)),
    "of no kind": () => datagram(src, dst, resigned(1, 9)),
    "passed on too often": () => datagram(src, dst, resigned(2, 4)),
    "with bits that must be zero": () => datagram(src, dst, resigned(3, 1)),
    "with a roster that its kind has not": () => datagram(src, dst, encodeMessage(unknownWithRoster(s), s.key)),
    truncated: (n) => datagram(src, dst, right.subarray(0, n % right.length)),
    oversized: (n) => datagram(src, dst, longer.subarray(0, right.length + 1 + (n % 1200))),
    "of another source port": () => frame(ipv4({ src, dst, df: true }), ports, right),
    "with IPv4 options": () =>
      frame(
        ipv4({ src, dst, df: true, options: packet.fromHex("94040000") }),
        udp({ sport: LEARNING_PORT, dport: LEARNING_PORT, checksum: 0 }),
        right,
      ),
  };
  const rest = { from: "underlay", setting: "asked", counted: "MALFORMED" } as const;
  return Object.entries(makes).map(([name, make]) => ({ ...rest, name, make }));
}

/** A recorded answer of h2, sent again in its name. */
function replayed(s: Scene): Forgery[] {
  const again = () => datagram(s.tunnel("h2"), s.tunnel("h1"), s.recorded);
  const base = { from: "underlay" } as const;
  return [
    { ...base, name: "replayed", setting: "nothing asked", counted: "UNSOLICITED", make: again },
    { ...base, name: "replayed to the next question", setting: "asked", counted: "NONCE", make: again },
    {
      ...base,
      name: "replayed with the next nonce",
      setting: "asked",
      counted: "TAG",
      make: (n) => retold(s, n),
    },
  ];
}

/** The recorded answer with the open question's nonce in it, or with any other bit changed: the tag covers all of it. */
function retold(s: Scene, n: number): Uint8Array {
  const b = s.recorded.slice();
  if (n % 2) new DataView(b.buffer).setBigUint64(NONCE_AT, s.nonce);
  else b[NONCE_AT + (n % (TAG_AT - NONCE_AT))]! ^= 1 << (n % 8);
  return datagram(s.tunnel("h2"), s.tunnel("h1"), b);
}

/** By h3, which has the VPC's key and knows the nonce: as bad as it gets. */
function takenOver(s: Scene): Forgery[] {
  const h3 = s.numberOf("h3");
  const from = (said: Said): Uint8Array => byTakenOver(s, said);
  const row = (name: string, setting: Setting, counted: Outcome, said: Said): Forgery => ({
    ...{ name, from: "h3", setting, counted },
    make: () => from(said),
  });
  const ask: Said = { kind: "ask", vpc: s.vpc, key_version: s.keyVersion, asker: h3, nonce: s.nonce };
  return [
    row("in another teacher's name", "asked", "TELLER", truth(s)),
    row("to another's question", "asked", "NOT_MINE", { ...lie(s), asker: s.numberOf("h2") }),
    row("unsolicited", "nothing asked", "UNSOLICITED", lie(s)),
    row("about what was not asked", "asked", "UNSOLICITED", { ...lie(s), address: "10.0.2.77" }),
    row("too late", "asked long ago", "UNSOLICITED", lie(s)),
    row("alive, unasked", "asked", "UNSOLICITED", { ...lie(s), address: undefined }),
    {
      ...{ name: "with a guessed nonce", from: "h3", setting: "asked", counted: "NONCE" },
      make: (n) => from({ ...lie(s), nonce: s.nonce + 1n + BigInt(n) }),
    },
    row("of an older generation", "asked", "GENERATION", { ...lie(s), revision: s.entry.revision - 1n }),
    row("of an older epoch", "asked", "GENERATION", { ...lie(s), epoch: s.entry.epoch - 1 }),
    row("of the very claim of another", "asked", "GENERATION", { ...lie(s), revision: s.entry.revision }),
    row("below the floor", "floor above", "FLOOR", { ...lie(s), revision: s.entry.revision + 1n }),
    row("of a barred host", "teacher barred", "BARRED", lie(s)),
    row("absent, of another's entry", "asked", "NOT_ITS_ENTRY", {
      ...{ ...truth(s), kind: "absent", teller: h3 },
    }),
    row("unknown, of no hub", "asked", "NOT_ITS_HUB", { ...lie(s), kind: "unknown" }),
    row("of another VPC with this one's key", "asked", "TAG", { ...lie(s), vpc: s.otherVpc }),
    row("a question in another's name", "asked", "ASKER", { ...ask, asker: s.numberOf("h2"), address: "10.0.1.10" }),
    row("a question that names who answers", "asked", "ASKER", { ...ask, teller: h3, address: "10.0.1.10" }),
    row("a probe that was passed on", "asked", "HOPS", { ...ask, hops: 1 }),
  ];
}

/** What h3 says to h1, under the VPC's own key. */
export const byTakenOver = (s: Scene, said: Said): Uint8Array =>
  datagram(s.tunnel("h3"), s.tunnel("h1"), encodeMessage(said, s.key));

/** In a tunnel it is a packet for guests, whatever it says. */
function tunnelled(s: Scene): Forgery[] {
  const inner = (dst: string) =>
    frame(
      packet.eth({}),
      ipv4({ src: s.tunnel("h2"), dst, df: true }),
      udp({ sport: LEARNING_PORT, dport: LEARNING_PORT }),
      encodeMessage(truth(s), s.key),
    );
  const make = (n: number) =>
    frame(
      ipv4({ src: s.tunnel("h3"), dst: s.tunnel("h1"), df: true }),
      udp({ sport: 49152, dport: 4789, checksum: 0 }),
      packet.vxlan({ vni: s.vpc }),
      inner(n % 2 ? s.tunnel("h1") : "10.0.1.99"),
    );
  return [{ name: "in a tunnel", from: "h3", setting: "asked", counted: undefined, make }];
}
