import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { inNamespace, ipBatch, type Lab, run, until } from "@onehop/lab";
import type { LabHost } from "@onehop/lab/fabric/plan";
import { Child } from "@onehop/lab/system/child";
import type { BenchPath } from "./path.ts";
import { buildUnderlay, makeGuest } from "./underlay.ts";

const ADDRESSES = ["10.9.0.1", "10.9.0.2"] as const;
const OVERHEAD = 50;
const SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema";

/** Two guests on Open vSwitch's userspace datapath with a VXLAN tunnel, each host with daemons of its own. */
export async function buildOvs(lab: Lab): Promise<BenchPath> {
  const { hosts, mtu } = await buildUnderlay(lab, "ovs");
  const [a, b] = hosts as [LabHost, LabHost];
  const guests = ADDRESSES.map((_, i) => lab.namespaceOf(`ovs-guest${i + 1}`)) as [string, string];
  for (const [i, [host, peer]] of [[a, b] as const, [b, a] as const].entries()) {
    const place = { namespace: guests[i]!, host: host.namespace, device: "guest" };
    await makeGuest({ ...place, address: ADDRESSES[i]!, mtu: mtu - OVERHEAD });
    // Packets reach the switch through a packet socket, which has nobody to finish checksums.
    await run(inNamespace(guests[i]!, ["ethtool", "-K", "eth0", "tx", "off"]));
    await new Switch(lab, host).up(peer);
  }
  return { name: "ovs-userspace", from: guests[0], to: guests[1], address: ADDRESSES[1] };
}

/** Open vSwitch of one host: its database, its daemon, its bridges. */
class Switch {
  readonly #host: LabHost;
  readonly #dir: string;

  constructor(lab: Lab, host: LabHost) {
    this.#host = host;
    this.#dir = join(lab.files.dir, `ovs-${host.name}`);
    mkdirSync(this.#dir, { mode: 0o700 });
  }

  async up(peer: LabHost): Promise<void> {
    const [database, socket] = [join(this.#dir, "conf.db"), join(this.#dir, "db.sock")];
    await run(["ovsdb-tool", "create", database, SCHEMA]);
    await this.#daemon("ovsdb-server", [`--remote=punix:${socket}`, database]);
    await until("the switch's database", () => this.#configure("init"));
    await this.#daemon("ovs-vswitchd", [`unix:${socket}`]);
    // The tunnel needs its addresses on a bridge of the switch's own.
    const [uplink] = this.#host.uplinks;
    await run(this.#vsctl(...bridge("underlay"), "--", "add-port", "underlay", uplink!.device));
    await ipBatch(
      [
        `address flush dev ${uplink!.device}`,
        `address add ${uplink!.address}/31 dev underlay`,
        "link set underlay up",
        `route replace default via ${uplink!.routerAddress} dev underlay`,
      ],
      this.#host.namespace,
    );
    const tunnel = ["type=vxlan", `options:remote_ip=${peer.uplinks[0]!.address}`, "options:key=9"];
    await run(this.#vsctl(...bridge("guests"), "--", "add-port", "guests", "guest"));
    await run(this.#vsctl("add-port", "guests", "tunnel", "--", "set", "interface", "tunnel", ...tunnel));
  }

  async #configure(...command: string[]): Promise<true | undefined> {
    return run(this.#vsctl("--no-wait", ...command)).then(
      () => true,
      () => undefined,
    );
  }

  #vsctl(...command: string[]): string[] {
    return ["ovs-vsctl", `--db=unix:${join(this.#dir, "db.sock")}`, "--timeout=20", ...command];
  }

  /** Dies with the benchmark; all its files are in the lab's directory. */
  #daemon(name: string, args: readonly string[]): Promise<Child> {
    const control = `--unixctl=${join(this.#dir, `${name}.ctl`)}`;
    return Child.start({
      name,
      argv: inNamespace(this.#host.namespace, [name, control, "--no-chdir", ...args]),
      log: join(this.#dir, `${name}.log`),
      env: { OVS_RUNDIR: this.#dir, OVS_LOGDIR: this.#dir, OVS_DBDIR: this.#dir, OVS_SYSCONFDIR: this.#dir },
    });
  }
}

const bridge = (name: string): string[] => ["add-br", name, "--", "set", "bridge", name, "datapath_type=netdev"];
