import { expect, test } from "vitest";
import { arp, decode, eth, frame, icmp, ipv4, tcp, udp } from "../packet/index.ts";
import { certainOf, parseFilter, passes } from "./filter.ts";
import { FilterError } from "./tokens.ts";

const ip = ipv4({ src: "10.0.1.5", dst: "10.0.2.6" });
const FRAMES = {
  tcp: frame(eth({}), ip, tcp({ sport: 4000, dport: 80 })),
  udp: frame(eth({}), ip, udp({ sport: 53, dport: 4001 })),
  icmp: frame(eth({}), ip, icmp({})),
  arp: frame(eth({}), arp({ sender_ip: "10.0.1.5", target_ip: "10.0.1.1" })),
  fragment: frame(eth({}), ipv4({ src: "10.0.1.5", dst: "10.0.2.7", offset: 8, protocol: 17 }), 20),
  odd: frame(eth({ type: 0x86dd }), 40),
};
type Name = keyof typeof FRAMES;
const wanted = (text: string): Name[] => {
  const filter = parseFilter(text);
  return (Object.keys(FRAMES) as Name[]).filter((name) => passes(filter, decode(FRAMES[name])));
};

test.each<[string, Name[]]>([
  ["tcp", ["tcp"]],
  ["udp", ["udp", "fragment"]],
  ["ip", ["tcp", "udp", "icmp", "fragment"]],
  ["arp or icmp", ["icmp", "arp"]],
  ["not ip", ["arp", "odd"]],
  ["host 10.0.1.5", ["tcp", "udp", "icmp", "arp", "fragment"]],
  ["10.0.1.1", ["arp"]],
  ["dst 10.0.2.6 and not tcp", ["udp", "icmp"]],
  ["src net 10.0.2.0/24", []],
  ["net 10.0.2.0/24", ["tcp", "udp", "icmp", "fragment"]],
  ["port 80", ["tcp"]],
  ["tcp dst port 80 || udp src port 53", ["tcp", "udp"]],
  ["tcp and (port 81 or port 4000)", ["tcp"]],
  ["!(host 10.0.1.5)", ["odd"]],
  ["NOT TCP AND IP", ["udp", "icmp", "fragment"]],
])("%s wants %j.", (text, names) => {
  expect(wanted(text)).toEqual(names);
});

test.each<[string, number, string]>([
  ["", 1, "its end"],
  ["tcp and", 8, "its end"],
  ["tcp tcp", 5, "and, or, or the end"],
  ["port http", 6, "a port from 1 to 65535"],
  ["port 65536", 6, "a port"],
  ["host 10.0.0.256", 6, "an IPv4 address"],
  ["net 10.0.0.1/8", 5, "a range"],
  ["(tcp", 5, "a closing bracket"],
  ["tcp; rm -rf /", 4, '";", which means nothing'],
  ["vlan 5", 1, "host, net, port"],
  ["(".repeat(100), 33, "nested too deep"],
  ["x".repeat(2000), 1001, "longer than 1000"],
])("%j is refused at character %i: %s.", (text, position, words) => {
  try {
    parseFilter(text);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(FilterError);
    expect([(error as FilterError).position, (error as Error).message]).toEqual([
      position,
      expect.stringContaining(words),
    ]);
  }
});

test("What is certain of every wanted packet is told, and nothing that only some have.", () => {
  const none = { ethertype: 0, protocol: 0, host: 0, port: 0 };
  expect(certainOf(undefined)).toEqual(none);
  expect(certainOf(parseFilter("tcp or udp"))).toEqual(none);
  expect(certainOf(parseFilter("not icmp"))).toEqual(none);
  expect(certainOf(parseFilter("icmp"))).toEqual({ ...none, ethertype: 0x0800, protocol: 1 });
  expect(certainOf(parseFilter("tcp port 80 and host 10.0.1.5 and (arp or udp)"))).toEqual({
    ethertype: 0x0800,
    protocol: 6,
    host: 0x0a000105,
    port: 80,
  });
});
