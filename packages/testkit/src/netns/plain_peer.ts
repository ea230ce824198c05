import { ipBatch, type Lab, run } from "@onehop/lab";

export interface PlainPeerOptions {
  /** Of the network that it is part of. */
  readonly vni: number;
  /** The machine behind it: a declared port's MAC and address with prefix length. */
  readonly mac: string;
  readonly address: string;
  readonly gateway: string;
}

/** Underlay addresses of the peer, beside those of the lab's own plan. */
export const PEER_TUNNEL = "192.0.2.200";
const [ROUTER_SIDE, PEER_SIDE] = ["198.18.200.0", "198.18.200.1"];
const ZERO_MAC = "00:00:00:00:00:00";

/** A VXLAN gateway as others build one: a Linux bridge with a VXLAN device that floods to all hosts and learns. */
export class PlainPeer {
  /** Of the bridge. */
  readonly namespace: string;
  /** Of the machine behind it. */
  readonly guest: string;

  private constructor(lab: Lab) {
    this.namespace = lab.namespaceOf("peer");
    this.guest = lab.namespaceOf("behind-peer");
  }

  /** Plugs it into the lab's underlay by a link of its own. */
  static async build(lab: Lab, options: PlainPeerOptions): Promise<PlainPeer> {
    const peer = new PlainPeer(lab);
    await ipBatch([
      `netns add ${peer.namespace}`,
      `netns add ${peer.guest}`,
      `link add up0 netns ${peer.namespace} mtu ${lab.fabric.mtu} type veth ` +
        `peer name peer-0 netns ${lab.fabric.namespace} mtu ${lab.fabric.mtu}`,
      `link add port0 netns ${peer.namespace} type veth ` + `peer name eth0 address ${options.mac} netns ${peer.guest}`,
    ]);
    await ipBatch(
      [`address add ${ROUTER_SIDE}/31 dev peer-0`, "link set peer-0 up", `route add ${PEER_TUNNEL} via ${PEER_SIDE}`],
      lab.fabric.namespace,
    );
    await ipBatch(bridge(options.vni), peer.namespace);
    for (const { tunnelAddress } of lab.hosts) await peer.fdb("append", ZERO_MAC, tunnelAddress);
    await ipBatch(machine(options), peer.guest);
    return peer;
  }

  /** Where frames to a MAC go; to the zero MAC those to all and to unknown ones. */
  async fdb(verb: "append" | "replace", mac: string, tunnel: string): Promise<void> {
    await run(["bridge", "-n", this.namespace, "fdb", verb, mac, "dev", "vx0", "dst", tunnel, "self", "permanent"]);
  }

  /** Tunnel addresses that it learned a MAC at, by itself. */
  async learned(mac: string): Promise<string[]> {
    const rows = JSON.parse(await run(["bridge", "-j", "-n", this.namespace, "fdb", "show", "dev", "vx0"])) as {
      mac: string;
      dst?: string;
    }[];
    return rows.filter((row) => row.mac === mac && row.dst).map((row) => row.dst!);
  }
}

const bridge = (vni: number): string[] => [
  "link set lo up",
  `address add ${PEER_TUNNEL}/32 dev lo`,
  `address add ${PEER_SIDE}/31 dev up0`,
  "link set up0 up",
  `route add default via ${ROUTER_SIDE} src ${PEER_TUNNEL}`,
  "link add br0 type bridge mcast_snooping 0",
  `link add vx0 type vxlan id ${vni} dstport 4789 local ${PEER_TUNNEL}`,
  ...["br0", "vx0", "port0"].map((name) => `link set ${name} addrgenmode none mtu 1500`),
  ...["vx0", "port0"].map((name) => `link set ${name} master br0`),
  ...["br0", "vx0", "port0"].map((name) => `link set ${name} up`),
];

const machine = ({ address, gateway }: PlainPeerOptions): string[] => [
  "link set lo up",
  "link set eth0 addrgenmode none mtu 1500 up",
  `address add ${address} dev eth0`,
  `route add default via ${gateway}`,
];
