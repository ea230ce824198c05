import { type Breakage, DIFFERENTIAL, type NamedTest } from "./breakage.ts";

const STAGES = "packages/datapath/bpf/stages";
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

/** In C: what a host does with a packet. */
export const DATA_PLANE: readonly Breakage[] = [
  {
    name: "the TTL of a routed packet is kept",
    file: `${STAGES}/route.h`,
    find: "p->to.hops = 1;",
    replace: "p->to.hops = 0;",
    test: DIFFERENTIAL,
  },
  {
    name: "a routed packet crosses with a network's VNI",
    file: `${STAGES}/learned.h`,
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
    find: "return !sender || is_own_source(p, sender) ? 0 : -OH_DROP_ARP_SOURCE;",
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
    file: `${STAGES}/sender.h`,
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
    name: "one right router MAC of two is enough",
    file: `${STAGES}/overlay.h`,
    find: "return mac_equal(&p->head.eth.src, &from) ? 0 : -OH_DROP_ROUTER_MAC;",
    replace:
      "return mac_equal(&p->head.eth.src, &from) || mac_equal(&p->head.eth.dst, &here) ? 0 : -OH_DROP_ROUTER_MAC;",
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
    find: "return p->asked || limit_admits(p->slot, p->class) ? 0 : -OH_DROP_CLASS_LIMIT;",
    replace: "return 0;",
    test: FLOOD,
  },
];
