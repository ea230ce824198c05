import { type Cidr4, cidr4, contains, ipv4 } from "../address/ipv4.ts";
import type { Layer } from "../packet/layers.ts";
import { FilterError, type Token, tokens } from "./tokens.ts";

/**
 * Which packets to capture, in a small part of pcap-filter(7):
 *
 *     expression = term { "or" term }
 *     term       = factor { "and" factor }
 *     factor     = "not" factor | "(" expression ")" | test
 *     test       = "ip" | "arp" | "icmp" | "tcp" | "udp"
 *                | [ "src" | "dst" ] ( "host" address | "net" range | address | range )
 *                | [ "tcp" | "udp" ] [ "src" | "dst" ] "port" number
 */
export type Filter =
  | { readonly kind: "or" | "and"; readonly of: readonly Filter[] }
  | { readonly kind: "not"; readonly of: Filter }
  | { readonly kind: "protocol"; readonly name: ProtocolName }
  | { readonly kind: "net"; readonly way: Way; readonly range: Cidr4 }
  | { readonly kind: "port"; readonly way: Way; readonly port: number };
export type ProtocolName = "ip" | "arp" | "icmp" | "tcp" | "udp";
type Way = "src" | "dst" | "either";

const PROTOCOLS = new Set<string>(["ip", "arp", "icmp", "tcp", "udp"]);
/** Nested deeper than anybody writes by hand. */
const DEEPEST = 32;
const MAX_LENGTH = 1000;

/** Throws FilterError, with the place, where it is no expression. */
export function parseFilter(text: string): Filter {
  if (text.length > MAX_LENGTH) throw new FilterError(MAX_LENGTH, `is longer than ${MAX_LENGTH} characters`);
  return new Parser(tokens(text)).whole();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(all: readonly Token[]) {
    this.#tokens = all;
  }

  whole(): Filter {
    const filter = this.#expression();
    if (this.#next.text !== "") throw this.#expected("and, or, or the end");
    return filter;
  }

  get #next(): Token {
    return this.#tokens[this.#at]!;
  }

  #takes(...words: readonly string[]): string | undefined {
    const { text } = this.#next;
    if (!words.includes(text)) return undefined;
    this.#at++;
    return text;
  }

  #expected(what: string): FilterError {
    const { at, text } = this.#next;
    return new FilterError(at, `has ${text === "" ? "its end" : JSON.stringify(text)} where ${what} should be`);
  }

  #expression(): Filter {
    return this.#chain("or", ["or", "||"], () => this.#chain("and", ["and", "&&"], () => this.#factor()));
  }

  #chain(kind: "or" | "and", words: readonly string[], one: () => Filter): Filter {
    const of = [one()];
    while (this.#takes(...words)) of.push(one());
    return of.length === 1 ? of[0]! : { kind, of };
  }

  #factor(): Filter {
    if (++this.#depth > DEEPEST) throw new FilterError(this.#next.at, "is nested too deep");
    try {
      if (this.#takes("not", "!")) return { kind: "not", of: this.#factor() };
      if (!this.#takes("(")) return this.#test();
      const inner = this.#expression();
      if (!this.#takes(")")) throw this.#expected("a closing bracket");
      return inner;
    } finally {
      this.#depth--;
    }
  }

  #test(): Filter {
    const protocol = this.#takes(...PROTOCOLS) as ProtocolName | undefined;
    const follows = ["src", "dst", "port"].includes(this.#next.text);
    if (!protocol) return this.#place();
    if (!follows) return { kind: "protocol", name: protocol };
    return { kind: "and", of: [{ kind: "protocol", name: protocol }, this.#place()] };
  }

  #place(): Filter {
    const way: Way = (this.#takes("src", "dst") as Way | undefined) ?? "either";
    if (this.#takes("port")) return { kind: "port", way, port: this.#port() };
    const word = this.#takes("host", "net");
    return { kind: "net", way, range: this.#range(word) };
  }

  #port(): number {
    const port = /^\d{1,5}$/.test(this.#next.text) ? Number(this.#next.text) : 0;
    if (port < 1 || port > 65_535) throw this.#expected("a port from 1 to 65535");
    this.#at++;
    return port;
  }

  #range(word: string | undefined): Cidr4 {
    const { text } = this.#next;
    const isRange = text.includes("/") && word !== "host";
    try {
      const range = isRange ? cidr4(text) : cidr4(`${text}/32`);
      if (!isRange) ipv4(text);
      this.#at++;
      return range;
    } catch {
      if (word) throw this.#expected(word === "net" ? "a range such as 10.0.1.0/24" : "an IPv4 address");
      throw this.#expected("host, net, port, src, dst, tcp, udp, icmp, arp, ip, not or an address");
    }
  }
}

interface Addressed {
  readonly src: number;
  readonly dst: number;
}

/** Whether a packet is wanted. A guest's own tunnels are not looked into. */
export function passes(filter: Filter, layers: readonly Layer[]): boolean {
  switch (filter.kind) {
    case "or":
      return filter.of.some((f) => passes(f, layers));
    case "and":
      return filter.of.every((f) => passes(f, layers));
    case "not":
      return !passes(filter.of, layers);
    case "protocol":
      return isOf(filter.name, layers[1]);
    case "net":
      return either(filter.way, addressesOf(layers[1]), (a) => contains(filter.range, a));
    case "port":
      return either(filter.way, portsOf(layers[2]), (p) => p === filter.port);
  }
}
/** By the number in the IPv4 header, which fragments have too. */
const isOf = (name: ProtocolName, layer: Layer | undefined): boolean =>
  name === "arp"
    ? layer?.kind === "arp"
    : layer?.kind === "ipv4" && (name === "ip" || layer.protocol === NUMBERS[name].protocol);

const either = (way: Way, of: Addressed | undefined, test: (n: number) => boolean): boolean =>
  of !== undefined && ((way !== "dst" && test(of.src)) || (way !== "src" && test(of.dst)));

function addressesOf(layer: Layer | undefined): Addressed | undefined {
  if (layer?.kind === "ipv4") return { src: ipv4(layer.src), dst: ipv4(layer.dst) };
  if (layer?.kind === "arp") return { src: ipv4(layer.sender_ip), dst: ipv4(layer.target_ip) };
  return undefined;
}

const portsOf = (layer: Layer | undefined): Addressed | undefined =>
  layer?.kind === "tcp" || layer?.kind === "udp" ? { src: layer.sport, dst: layer.dport } : undefined;

/** What every wanted packet has for certain: the kernel can leave the others out. 0: nothing is certain. */
export interface Certain {
  readonly ethertype: number;
  readonly protocol: number;
  readonly host: number;
  readonly port: number;
}

export function certainOf(filter: Filter | undefined): Certain {
  const certain = { ethertype: 0, protocol: 0, host: 0, port: 0 };
  const walk = (f: Filter): void => {
    if (f.kind === "and") f.of.forEach(walk);
    else if (f.kind === "port") certain.port = f.port;
    else if (f.kind === "net" && f.range.prefix === 32) certain.host = f.range.first;
    else if (f.kind === "protocol") Object.assign(certain, NUMBERS[f.name]);
  };
  if (filter) walk(filter);
  return certain;
}
const IPV4 = 0x0800;
const NUMBERS: Readonly<Record<ProtocolName, Partial<Certain>>> = {
  ip: { ethertype: IPV4 },
  arp: { ethertype: 0x0806 },
  icmp: { ethertype: IPV4, protocol: 1 },
  tcp: { ethertype: IPV4, protocol: 6 },
  udp: { ethertype: IPV4, protocol: 17 },
};
