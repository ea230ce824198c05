/** A fault put into the sources on purpose, and the test that must notice. */
export interface Breakage {
  readonly name: string;
  /** Path from the root. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly test: NamedTest;
}
export interface NamedTest {
  readonly file: string;
  /** The test's whole title, its suites' in front. */
  readonly title: string;
}

const STAGES = "packages/datapath/bpf/stages";
const DIFFERENTIAL: NamedTest = {
  file: "tests/differential/differential.test.ts",
  title: "Q1 Q2 Q15 Q21 Q23: the programs do with random packets in random topologies what the model says",
};
const EDGES = "tests/differential/edges.test.ts";
const CUT: NamedTest = {
  file: EDGES,
  title:
    "Every frame of every kind, cut at every byte, is dropped with a reason and unchanged, or carried as a whole one",
};
const FLOOD: NamedTest = {
  file: EDGES,
  title: "D9: a port's flood of ARP ends at its limit, costs another port nothing, and leaves its other classes alone",
};
const SPREAD: NamedTest = {
  file: "tests/differential/entropy.test.ts",
  title: "Q12: 10,000 flows leave with over 5,000 source ports, and a NIC spreads them evenly over its queues",
};

/** In C. */
const DATA_PLANE: readonly Breakage[] = [
  {
    name: "the TTL of a routed packet is kept",
    file: `${STAGES}/route.h`,
    find: "p->to.hops = 1;",
    replace: "p->to.hops = 0;",
    test: DIFFERENTIAL,
  },
  {
    name: "a routed packet crosses with a network's VNI",
    file: `${STAGES}/route.h`,
    find: "p->to.vni = p->vpc;",
    replace: "p->to.vni = p->vni;",
    test: DIFFERENTIAL,
  },
  {
    name: "a packet whose TTL ends is forwarded",
    file: `${STAGES}/route.h`,
    find: "if (p->head.ip.ttl <= 1) {",
    replace: "if (p->head.ip.ttl < 1) {",
    test: DIFFERENTIAL,
  },
  {
    name: "a guest sends from any address",
    file: `${STAGES}/source_guard.h`,
    find: "return is_own_source(p, p->head.ip.src) ? 0 : -OH_DROP_SOURCE_ADDRESS;",
    replace: "return 0;",
    test: DIFFERENTIAL,
  },
  {
    name: "a guest sends from any MAC",
    file: `${STAGES}/source_guard.h`,
    find: "return -OH_DROP_SOURCE_MAC;",
    replace: ";",
    test: DIFFERENTIAL,
  },
  {
    name: "a guest speaks ARP in another's name",
    file: `${STAGES}/source_guard.h`,
    find: "return !sender || is_own_address(p, sender) ? 0 : -OH_DROP_ARP_SOURCE;",
    replace: "return 0;",
    test: DIFFERENTIAL,
  },
  {
    name: "a probe for the asker's own address is answered",
    file: `${STAGES}/answer_arp.h`,
    find: "if (d->place == OH_PLACE_LOCAL && d->where == p->slot)",
    replace: "if (0)",
    test: DIFFERENTIAL,
  },
  {
    name: "ARP is answered for another network's port",
    file: `${STAGES}/answer_arp.h`,
    find: "if (!d || d->network != p->from->network)",
    replace: "if (!d)",
    test: DIFFERENTIAL,
  },
  {
    name: "a plain peer may use a VPC's VNI",
    file: `${STAGES}/outer.h`,
    find: "return -OH_DROP_PEER_VNI;",
    replace: ";",
    test: DIFFERENTIAL,
  },
  {
    name: "VXLAN without the flag that the VNI is valid is taken",
    file: `${STAGES}/outer.h`,
    find: "o->vxlan.flags & bpf_htonl(OH_VXLAN_VNI_VALID);",
    replace: "1;",
    test: DIFFERENTIAL,
  },
  {
    name: "the inner source of a routed packet need not be its host's router MAC",
    file: `${STAGES}/overlay.h`,
    find: "if (!mac_equal(&p->head.eth.src, &from) || !mac_equal(&p->head.eth.dst, &here))",
    replace: "if (!mac_equal(&p->head.eth.dst, &here))",
    test: DIFFERENTIAL,
  },
  {
    name: "a packet one byte too big leaves the host",
    file: `${STAGES}/size.h`,
    find: "if (wire_len(p) > p->from->mtu ||",
    replace: "if (wire_len(p) > p->from->mtu + 1 ||",
    test: DIFFERENTIAL,
  },
  {
    name: "the checksum of a clamped MSS at an odd place is wrong",
    file: `${STAGES}/size.h`,
    find: "__u16 removed = found & 1 ? before : bpf_htons(before);",
    replace: "__u16 removed = bpf_htons(before);",
    test: DIFFERENTIAL,
  },
  {
    name: "ICMP errors are made about ICMP errors",
    file: `${STAGES}/answer_error.h`,
    find: "&& !is_icmp_error(p)",
    replace: "",
    test: DIFFERENTIAL,
  },
  {
    name: "the outer header does not copy the TOS",
    file: `${STAGES}/deliver.h`,
    find: "p->ethertype == OH_ETHERTYPE_IPV4 ? p->head.ip.tos : 0",
    replace: "0",
    test: DIFFERENTIAL,
  },
  {
    name: "all flows leave with one source port",
    file: `${STAGES}/deliver.h`,
    find: "hash_flow(ip->src, ip->dst, ports, ip->protocol) & 0x3fff",
    replace: "hash_flow(ip->src, ip->dst, ports & 0, ip->protocol) & 0x3fff",
    test: SPREAD,
  },
  {
    name: "a packet may be longer than its frame",
    file: `${STAGES}/parse.h`,
    find: "if (total < header || OH_ETH_LEN + total > p->len)",
    replace: "if (total < header)",
    test: CUT,
  },
  {
    name: "floods are not limited",
    file: `${STAGES}/limit.h`,
    find: "return limit_admits(p->slot, p->class) ? 0 : -OH_DROP_CLASS_LIMIT;",
    replace: "return 0;",
    test: FLOOD,
  },
];

/** In TypeScript: from Intent to map entries. */
const CONTROL_PLANE: readonly Breakage[] = [
  {
    name: "a plain peer is lowered like a host of ours",
    file: "packages/agent/src/lower/places.ts",
    find: 'host.kind === "onehop" ? Place.REMOTE : Place.PEER',
    replace: "Place.REMOTE",
    test: DIFFERENTIAL,
  },
  {
    name: "the host's own address is accepted as a sender's",
    file: "packages/agent/src/lower/hosts.ts",
    find: "host.number === plan.own.number || ",
    replace: "",
    test: DIFFERENTIAL,
  },
  {
    name: "only a port's first address is reachable",
    file: "packages/agent/src/lower/destinations.ts",
    find: "for (const address of port.addresses)",
    replace: "for (const address of port.addresses.slice(0, 1))",
    test: DIFFERENTIAL,
  },
  {
    name: "an allowed range is allowed to every port of a VPC",
    file: "packages/agent/src/lower/allowed.ts",
    find: "for (const text of port.allowed_addresses) {",
    replace: "for (const text of plan.local.flatMap((other) => other.port.allowed_addresses)) {",
    test: DIFFERENTIAL,
  },
  {
    name: "a static route loses against the VPC's range of the same length",
    file: "packages/agent/src/lower/routes.ts",
    find: "for (const route of vpc.routes)\n",
    replace: "for (const route of vpc.routes.filter((r) => !vpc.cidrs.includes(r.destination)))\n",
    test: DIFFERENTIAL,
  },
  {
    name: "a changed route is not compiled again",
    file: "packages/controller/src/compile/dirty.ts",
    find: "return [change.before, change.after].flatMap((r)",
    replace: "return [change.before].flatMap((r)",
    test: {
      file: "packages/controller/test/sequences.test.ts",
      title: "incremental plans equal a full recompute after every state, in order",
    },
  },
  {
    name: "the order of ports in a slice is that of the Intent, so equal content has unequal hashes",
    file: "packages/controller/src/compile/network.ts",
    find: "ports: ports.sort(byId),",
    replace: "ports,",
    test: {
      file: "packages/controller/test/sequences.test.ts",
      title:
        "incremental plans equal a full recompute and depend on the present only: the same Intent has the same hashes, however it came about",
    },
  },
];

export const BREAKAGES: readonly Breakage[] = [...DATA_PLANE, ...CONTROL_PLANE];
