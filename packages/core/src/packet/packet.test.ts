import fc from "fast-check";
import { expect, test } from "vitest";
import * as p from "./index.ts";

const A = "0a:00:00:00:00:01";
const B = "0a:00:00:00:00:02";
const ping = (ttl = 64) =>
  p.frame(
    p.eth({ src: A, dst: B }),
    p.ipv4({ src: "10.0.0.1", dst: "10.0.0.2", ttl }),
    p.icmp({ type: 8, id: 7, seq: 1 }),
    "ping",
  );

test("The sum of RFC 1071 section 3 is ddf2", () => {
  expect(p.sum16(p.fromHex("0001 f203 f4f5 f6f7"))).toBe(0xddf2);
  expect(p.sum16(p.fromHex("0001 f203 f4f5 f6"))).toBe(0xdcfb);
});

test("The updated checksum of RFC 1624 section 4 is zero, not all ones", () => {
  expect(p.updatedChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
});

test("An IPv4 header gets its length and checksum", () => {
  const f = p.frame(p.ipv4({ src: "192.168.0.1", dst: "192.168.0.199", df: true, protocol: 17 }), 95);
  expect(p.hex(f.subarray(0, 20))).toBe("45000073000040004011b861c0a80001c0a800c7");
});

test("A UDP checksum that comes out as zero is sent as all ones", () => {
  const at = (data: number) =>
    p.u16(p.frame(p.eth({}), p.ipv4({}), p.udp({ sport: 0, dport: 0 }), Uint8Array.of(data >> 8, data & 255)), 40);
  // Pseudo header 17 + 10, UDP length 10: the sum is 37 plus the data.
  expect(at(0xffff - 37)).toBe(0xffff);
  expect(at(0)).toBe(0xffff - 37);
});

test("A TCP checksum covers header, options and payload", () => {
  const f = p.frame(p.eth({}), p.ipv4({ src: "10.0.0.1", dst: "10.0.0.2" }), p.tcp({ flags: "S", mss: 1460 }), "x");
  const pseudo = p.frame(p.fromHex("0a000001 0a000002 0006 0019"), f.subarray(34));
  expect(p.checksum(pseudo)).toBe(0);
  expect(p.decode(f)[2]).toMatchObject({ kind: "tcp", words: 6, flags: "S", options: Uint8Array.of(2, 4, 5, 180) });
});

test("ARP is 28 bytes as in RFC 826", () => {
  const f = p.frame(
    p.eth({ src: A, dst: "ff:ff:ff:ff:ff:ff" }),
    p.arp({ sender_mac: A, sender_ip: "10.0.0.1", target_ip: "10.0.0.2" }),
  );
  expect(p.hex(f)).toBe("ffffffffffff0a0000000001080600010800060400010a00000000010a0000010000000000000a000002");
  expect(p.describe(f)).toBe(`${A} > ff:ff:ff:ff:ff:ff who-has 10.0.0.2 tell 10.0.0.1, 42 bytes`);
});

test("A frame in VXLAN has the header of RFC 7348 and no UDP checksum", () => {
  const f = p.frame(
    p.eth({}),
    p.ipv4({ src: "192.0.2.1", dst: "192.0.2.2", df: true }),
    p.udp({ sport: 50000 }),
    p.vxlan({ vni: 0x123456 }),
    ping(),
  );
  expect(p.hex(f.subarray(36, 50))).toBe("12b5003e00000800000012345600".slice(0, 28));
  expect(p.decode(f).map((l) => l.kind)).toEqual(["eth", "ipv4", "udp", "vxlan", "eth", "ipv4", "icmp", "payload"]);
});

test("An ICMP error shows what it quotes", () => {
  const quote = ping().subarray(14, 14 + 28);
  const f = p.frame(
    p.eth({}),
    p.ipv4({ src: "10.0.0.254", dst: "10.0.0.1" }),
    p.icmp({ type: 3, code: 4, mtu: 1450 }),
    quote,
  );
  expect(p.describe(f)).toContain("fragmentation needed, mtu 1450, about 10.0.0.1 > 10.0.0.2 ttl 64 echo request 7/1");
});

test("Differences are named by layer and field", () => {
  expect(p.diffFrames(ping(), ping())).toEqual([]);
  expect(p.diffFrames(ping(63), ping(64))).toEqual([
    "ipv4.ttl: expected 63, got 64",
    expect.stringMatching(/^ipv4\.checksum: expected \d+, got \d+$/),
  ]);
  const outer = (inner: Uint8Array) => p.frame(p.eth({}), p.ipv4({}), p.udp({}), p.vxlan({ vni: 5 }), inner);
  expect(p.diffFrames(outer(ping(63)), outer(ping(64)))[0]).toBe("inner.ipv4.ttl: expected 63, got 64");
  expect(p.diffFrames(ping(), ping().subarray(0, 40))).toContain("frame.length: expected 46, got 40");
});

test("Padding behind the IP packet is a trailer that no length counts", () => {
  const f = p.frame(p.eth({}), p.ipv4({}), p.udp({}), "hi", p.trailer(14));
  expect(p.decode(f).at(-1)).toEqual({ kind: "trailer", data: f.subarray(44) });
  expect(p.decode(f)[1]).toMatchObject({ length: 30 });
});

const bytes = fc.uint8Array({ maxLength: 24 });
const valid = fc.constantFrom(
  ping(),
  p.frame(
    p.eth({ vlan: 7 }),
    p.ipv4({ options: Uint8Array.of(1, 1, 1, 0) }),
    p.tcp({ mss: 1460 }),
    "hello",
    p.trailer(3),
  ),
  p.frame(p.eth({}), p.ipv4({}), p.udp({}), p.vxlan({ vni: 9 }), ping(), p.trailer(2)),
  p.frame(p.eth({}), p.arp({}), p.trailer(18)),
  p.frame(p.eth({}), p.ipv4({}), p.icmp({ type: 11 }), ping().subarray(14)),
);

test("Decoding anything and building it again gives the same bytes", () => {
  const damaged = fc
    .tuple(valid, fc.nat(200), fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 3 }))
    .map(([f, cut, edits]) => {
      const copy = f.slice(0, Math.max(0, f.length - (cut % 2 ? cut : 0)));
      for (const [at, value] of edits) if (at < copy.length) copy[at] = value;
      return copy;
    });
  fc.assert(
    fc.property(fc.oneof(damaged, valid, bytes), (f) => {
      expect(p.hex(p.frame(...p.decode(f)))).toBe(p.hex(f));
      expect(p.describe(f)).toContain(`${f.length} bytes`);
    }),
    { numRuns: 1000 },
  );
});
