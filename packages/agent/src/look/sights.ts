import { cidr4, contains, formatIpv4, maskOf, type packet, type Sight } from "@onehop/core";
import { RouteKind, VniKind } from "@onehop/datapath/maps.gen";
import type { Kernel, Tried } from "../kernel/kernel.ts";
import type { Rows, TableName } from "../lower/index.ts";

/** Where a tried frame came from, as the programs know it. */
export interface Origin {
  readonly slot: number | undefined;
  readonly layers: readonly packet.Layer[];
}

type ByStage = Map<string, Sight[]>;

/** The entries that the stages looked at, read again from the same tables. */
export class Sights {
  readonly found: ByStage = new Map();
  readonly #kernel: Kernel;

  constructor(kernel: Kernel, origin: Origin, tried: Tried) {
    this.#kernel = kernel;
    if (origin.slot === undefined) this.#fromUplink(origin.layers);
    else this.#fromGuest(origin.slot, origin.layers);
    if (tried.action === "guest") this.#look("locate", "endpoints", tried.slot);
    if (tried.host !== 0) this.#look("locate", "hosts", tried.host);
  }

  #look<T extends TableName>(stage: string, table: T, key: Rows[T][0]): Rows[T][1] | undefined {
    const value = this.#kernel.get(table, key);
    const sight: Sight = { table, key, value: (value as Readonly<Record<string, unknown>> | undefined) ?? null };
    this.found.set(stage, [...(this.found.get(stage) ?? []), sight]);
    return value;
  }

  #fromGuest(slot: number, layers: readonly packet.Layer[]): void {
    const endpoint = this.#look("endpoint", "endpoints", slot);
    const [eth, inner] = layers;
    if (!endpoint || eth?.kind !== "eth") return;
    const { vpc, network, gateway_mac } = endpoint;
    if (inner?.kind === "arp") this.#look("answer_arp", "destinations", { vpc, address: inner.target_ip });
    else if (inner?.kind === "ipv4" && eth.dst === gateway_mac) this.#route(vpc, inner.dst);
    else this.#look("switch", "macs", { network, mac: eth.dst });
  }

  #fromUplink(layers: readonly packet.Layer[]): void {
    const [, outer, , vxlan, eth, inner] = layers;
    if (outer?.kind !== "ipv4" || vxlan?.kind !== "vxlan" || eth?.kind !== "eth") return;
    this.#look("outer", "tunnels", { address: outer.src });
    const segment = this.#look("outer", "vnis", { vni: vxlan.vni });
    if (!segment) return;
    if (inner?.kind === "arp") this.#look("answer_arp", "destinations", { vpc: segment.vpc, address: inner.target_ip });
    else if (segment.kind === VniKind.VPC || eth.dst === segment.gateway_mac)
      this.#route(segment.vpc, inner?.kind === "ipv4" ? inner.dst : formatIpv4(0));
    else this.#look("switch", "macs", { network: vxlan.vni, mac: eth.dst });
  }

  /** As the programs do: the address itself, else the longest prefix and its next hop. */
  #route(vpc: number, address: string): void {
    if (this.#look("route", "destinations", { vpc, address })) return;
    const best = this.#longest(vpc, address);
    if (!best) return;
    const [key, value] = best;
    this.found.get("route")?.push({ table: "routes", key, value: { ...value } });
    if (value.kind === RouteKind.VIA) this.#look("route", "destinations", { vpc, address: value.next_hop });
  }

  /** A trie tells a match's value but not its prefix. */
  #longest(vpc: number, address: string): Rows["routes"] | undefined {
    let best: Rows["routes"] | undefined;
    const wanted = cidr4(`${address}/32`).first;
    for (const row of this.#kernel.read("routes")) {
      const [key] = row;
      const range = { first: cidr4(`${key.address}/32`).first, prefix: key.prefix - LPM_BEFORE };
      if (key.vpc !== vpc || !contains({ first: maskOf(range.first, range.prefix), prefix: range.prefix }, wanted))
        continue;
      if (!best || best[0].prefix < key.prefix) best = row;
    }
    return best;
  }
}

/** Bits of an LPM key before the IPv4 prefix. */
const LPM_BEFORE = 128;
