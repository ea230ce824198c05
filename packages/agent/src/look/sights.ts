import { cidr4, contains, formatIpv4, ipv4, maskOf, type packet, type Sight } from "@onehop/core";
import { type Endpoint, Learns, Place, RouteKind, VniKind } from "@onehop/datapath/maps.gen";
import type { Kernel, Tried } from "../kernel/kernel.ts";
import type { AnyTable, Rows } from "../lower/index.ts";

/** Where a tried frame came from, as the programs know it. */
export interface Origin {
  readonly slot: number | undefined;
  readonly layers: readonly packet.Layer[];
}

type DestinationKey = Rows["destinations"][0];
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

  #look<T extends AnyTable>(stage: string, table: T, key: Rows[T][0]): Rows[T][1] | undefined {
    const value = this.#kernel.get(table, key);
    const sight: Sight = { table, key, value: value === undefined ? null : plain(value) };
    this.found.set(stage, [...(this.found.get(stage) ?? []), sight]);
    return value;
  }

  #fromGuest(slot: number, layers: readonly packet.Layer[]): void {
    const endpoint = this.#look("endpoint", "endpoints", slot);
    const [eth, inner] = layers;
    if (!endpoint || eth?.kind !== "eth") return;
    const { vpc, network, gateway_mac } = endpoint;
    if (inner?.kind === "arp") this.#look("answer_arp", "destinations", { vpc, address: inner.target_ip });
    else if (inner?.kind === "ipv4" && eth.dst === gateway_mac) this.#route({ vpc, address: inner.dst }, endpoint);
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
      this.#routeIn(segment.vpc, inner?.kind === "ipv4" ? inner.dst : formatIpv4(0));
    else this.#look("switch", "macs", { network: vxlan.vni, mac: eth.dst });
  }

  /** What is not for a port here may be passed on where the VPC learns: by a hub, or by the guest's former host. */
  #routeIn(vpc: number, address: string): void {
    const known = this.#route({ vpc, address });
    if (known?.place === Place.LOCAL) return;
    const rules = this.#look("relay", "vpc_rules", { vpc });
    if (rules && !rules.is_hub && !known) this.#look("relay", "learned", { vpc, address });
  }

  /**
   * As the programs do: the address itself, told or learned, else the longest prefix and its next hop; else a hub. `from`:
   * the guest's port, whose VPC may learn.
   */
  #route(key: DestinationKey, from?: Endpoint): Rows["destinations"][1] | undefined {
    const learns = from !== undefined && from.learns !== Learns.NO;
    const told = (at: DestinationKey) =>
      learns && !isNear(from, at.address) ? undefined : this.#look("route", "destinations", at);
    const known = told(key);
    if (known || (learns && this.#look("route", "learned", key))) return known;
    const best = this.#longest(key.vpc, key.address);
    if (!best) return undefined;
    const [prefix, value] = best;
    this.found.get("route")?.push({ table: "routes", key: prefix, value: { ...value } });
    const hop = { vpc: key.vpc, address: value.next_hop };
    const next = value.kind === RouteKind.VIA ? told(hop) : undefined;
    if (next || !learns) return next;
    if (value.kind === RouteKind.VIA && this.#look("route", "learned", hop)) return undefined;
    this.#look("route", "vpc_rules", { vpc: key.vpc });
    return undefined;
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

/** Whether destinations may have the address (is_near in packages/datapath/bpf/maps/endpoints.h). */
const isNear = ({ near, gateway }: Endpoint, address: string): boolean =>
  Math.clz32(ipv4(address) ^ ipv4(gateway)) >= near;

/** As JSON can have it: 64-bit times and counts become texts. */
const plain = (value: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(value).map(([name, v]) => [
      name,
      typeof v === "bigint" ? String(v) : typeof v === "object" && v && !Array.isArray(v) ? plain(v) : v,
    ]),
  );

/** Bits of an LPM key before the IPv4 prefix. */
const LPM_BEFORE = 128;
