import { describe, expect, it } from "vitest";
import { decode, encode, structCodec } from "../src/codec.ts";
import { Device, HostKind, LAYOUT, Learns, Place, RouteKind } from "../src/maps.gen.ts";

/** Values and their bytes, written by hand from the C headers: [sentence, struct, value, hex]. */
const VECTORS: readonly (readonly [string, string, Record<string, unknown>, string])[] = [
  [
    "an address of a VPC",
    "destination_key",
    { vpc: 0x1234, address: "10.1.2.3" },
    "34120000 00000000000000000000ffff0a010203",
  ],
  [
    "an IPv6 address of a VPC",
    "destination_key",
    { vpc: 7, address: "2001:db8::1" },
    "07000000 20010db8000000000000000000000001",
  ],
  [
    "a port on another host",
    "destination",
    { network: 100, where: 3, mac: "0a:11:22:33:44:55", place: Place.REMOTE },
    "64000000 03000000 0a1122334455 02 00",
  ],
  ["a MAC of a network", "mac_key", { network: 0xffffff, mac: "0e:00:00:00:00:01" }, "ffffff00 0e0000000001 0000"],
  [
    "a plain VXLAN peer",
    "host",
    { tunnel_address: "192.0.2.9", uplink: 4, next_hop: "192.0.2.1", kind: HostKind.PEER },
    "c0000209 04000000 c0000201 02 000000",
  ],
  [
    "a static route",
    "route",
    { next_hop: "10.0.0.9", kind: RouteKind.VIA },
    "00000000000000000000ffff0a000009 02000000",
  ],
  [
    "a port of this host",
    "endpoint",
    {
      port: "123e4567-e89b-42d3-a456-426614174000",
      generation: 0x1_0000_0002,
      vpc: 1,
      network: 2,
      ifindex: 3,
      mtu: 1450,
      address: "10.0.0.5",
      gateway: "10.0.0.1",
      mac: "0a:00:00:00:00:05",
      gateway_mac: "0e:00:00:00:00:01",
      device: Device.TAP,
      has_allowed: 1,
      learns: Learns.CONFIRMED,
      near: 24,
    },
    `123e4567e89b42d3a456426614174000 0200000001000000 01000000 02000000 03000000 aa050000
     00000000000000000000ffff0a000005 0a000001 0a0000000005 0e0000000001 02 01 02 18 00000000`,
  ],
  [
    "keys of a VPC",
    "vpc_keys",
    { version: 2, former_version: 1, current: "000102030405060708090a0b0c0d0e0f", former: "f".repeat(32) },
    "02000000 01000000 000102030405060708090a0b0c0d0e0f ffffffffffffffffffffffffffffffff",
  ],
  [
    "a drop event",
    "drop_event",
    {
      time: 0xffff_ffff_ffff_ffffn,
      port: "00000000-0000-0000-0000-000000000000",
      vpc: 1,
      vni: 2,
      ifindex: 3,
      length: 60,
      src: "::",
      dst: "10.0.0.1",
      src_mac: "0a:00:00:00:00:01",
      dst_mac: "ff:ff:ff:ff:ff:ff",
      sport: 0x1234,
      dport: 53,
      ethertype: 0x0806,
      protocol: 17,
      reason: 1,
      class: 2,
      stage: 3,
      program: 1,
    },
    `ffffffffffffffff 00000000000000000000000000000000 01000000 02000000 03000000 3c000000
     00000000000000000000000000000000 00000000000000000000ffff0a000001 0a0000000001 ffffffffffff
     1234 0035 0608 11 01 02 03 01 00`,
  ],
];

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("codecs write and read the bytes of the C structs", () => {
  it.each(VECTORS)("%s", (_sentence, struct, value, hex) => {
    const codec = structCodec(LAYOUT, struct);
    const bytes = Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
    expect(toHex(encode(codec, value))).toBe(bytes.toString("hex"));
    expect(decode(codec, bytes)).toEqual(value);
  });

  it("an array field takes exactly its number of elements", () => {
    const codec = structCodec(LAYOUT, "port_counters");
    const value = { tx_packets: 1, tx_bytes: 2, rx_packets: 3, rx_bytes: 4, class_packets: [1, 2, 3, 4, 5, 6, 7, 8] };
    expect(decode(codec, encode(codec, value))).toEqual(value);
    expect(() => encode(codec, { ...value, class_packets: [1] })).toThrow("class_packets: not an array of 8");
  });
});

describe("a value that does not fit is refused with the field's name", () => {
  const route = { next_hop: "10.0.0.1", kind: 1 };
  const destination = { network: 1, where: 1, mac: "0a:00:00:00:00:01", place: 1 };
  it.each([
    ["route", { ...route, next_hop: "10.0.0.256" }, "next_hop: not an IP address: 10.0.0.256"],
    ["route", { ...route, next_hop: "010.0.0.1" }, "next_hop: not an IP address: 010.0.0.1"],
    ["route", { ...route, next_hop: "fe80::1%eth0" }, "next_hop: not an IP address: fe80::1%eth0"],
    ["route", { ...route, kind: -1 }, "kind: not an integer of 0..4294967295: -1"],
    ["route", { ...route, kind: undefined }, "kind: not an integer of 0..4294967295: undefined"],
    ["destination", { ...destination, place: 256 }, "place: not an integer of 0..255: 256"],
    ["destination", { ...destination, mac: "0A:00:00:00:00:01" }, "mac: not a MAC address: 0A:00:00:00:00:01"],
    ["destination", { ...destination, where: 1.5 }, "where: not an integer of 0..4294967295: 1.5"],
  ])("%s %o", (struct, value, message) => {
    expect(() => encode(structCodec(LAYOUT, struct), value)).toThrow(message);
  });
});
