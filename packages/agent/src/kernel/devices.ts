import { writeFile } from "node:fs/promises";
import type { GuestLink, NextHop } from "../lower/index.ts";
import { type IpLink, listLinks, rowsOf, run } from "./ip.ts";
import type { Device, Made } from "./kernel.ts";
import { joinRoom, repairRoom } from "./room.ts";

interface IpRoute {
  readonly dst: string;
  readonly dev?: string;
  readonly gateway?: string;
}

const OVERLAY = "oh-vxlan";
const VXLAN_PORT = "4789";
/** Names of devices that the agent makes; one of them without a note was left half made. */
const OWN_NAME = /^oh[0-9a-f]{12}$/;
const NOTE = "onehop";

const noteOf = (m: Made): string => `${NOTE} ${m.port_id} ${m.namespace} ${m.namespace_made ? "made" : "found"}`;

function madeFor({ ifname, ifalias }: IpLink): Made | undefined {
  const [note, port_id, namespace, how] = (ifalias ?? "").split(" ");
  if (note === NOTE && port_id && namespace) return { port_id, namespace, namespace_made: how === "made" };
  return OWN_NAME.test(ifname) ? { port_id: "", namespace: "", namespace_made: false } : undefined;
}

function kindOf(link: IpLink): Device["kind"] {
  const kind = link.linkinfo?.info_kind;
  if (kind === "veth") return link.link_netnsid === undefined ? "tap" : "veth";
  return kind === "tun" ? "tap" : "other";
}

export async function listDevices(): Promise<Map<string, Device>> {
  return new Map((await listLinks()).map((link) => [link.ifname, deviceOf(link)]));
}

function deviceOf(link: IpLink): Device {
  const made = madeFor(link);
  return {
    ifindex: link.ifindex,
    name: link.ifname,
    kind: kindOf(link),
    mtu: link.mtu,
    up: link.flags.includes("UP"),
    ...(made ? { made } : {}),
  };
}

/**
 * The device owns the VXLAN port, so that the kernel merges received segments, and super-packets for taps leave through
 * it. It sends nothing.
 */
export async function ensureOverlayDevice(): Promise<number> {
  const devices = await listDevices();
  if (!devices.has(OVERLAY)) {
    const made = ["link", "add", OVERLAY, "type", "vxlan", "external", "dstport", VXLAN_PORT, "nolearning"];
    await run("ip", made);
  }
  await setUp([OVERLAY]);
  const found = devices.get(OVERLAY);
  if (!found) return ensureOverlayDevice();
  const made = [...devices.values()].filter((device) => device.made);
  await repairRoom([OVERLAY, ...made.map((device) => device.name)]);
  return found.ifindex;
}

/** The note comes last: a device without it was left half made, and is made anew. */
export async function makeGuestLink(link: GuestLink): Promise<void> {
  const namespaceMade = await ensureNamespace(link.namespace);
  const note = noteOf({ port_id: link.port_id, namespace: link.namespace, namespace_made: namespaceMade });
  const mtu = String(link.mtu);
  const peer = ["peer", "name", "eth0", "address", link.mac, "mtu", mtu, "netns", link.namespace];
  await run("ip", ["link", "add", link.name, "mtu", mtu, "type", "veth", ...peer]);
  const inside = [
    "link set dev lo up",
    "link set dev eth0 addrgenmode none",
    `addr add ${link.address} dev eth0`,
    "link set dev eth0 up",
    `route replace default via ${link.gateway} dev eth0`,
  ];
  await run("ip", ["-n", link.namespace, "-batch", "-"], `${inside.join("\n")}\n`);
  await segmentTunnelsInGuest(link.namespace);
  await joinRoom([link.name]);
  await run("ip", ["link", "set", "dev", link.name, "alias", note]);
}

/**
 * A guest's own tunnel would hand us super-packets that are encapsulated already, and the kernel encapsulates no
 * super-packet twice; so the guest cuts those itself.
 */
async function segmentTunnelsInGuest(namespace: string): Promise<void> {
  const features = ["tx-udp_tnl-segmentation", "tx-udp_tnl-csum-segmentation", "tx-gre-segmentation"];
  const off = [...features, "tx-gre-csum-segmentation", "tx-ipxip4-segmentation"].flatMap((f) => [f, "off"]);
  await run("ip", ["netns", "exec", namespace, "ethtool", "-K", "eth0", ...off]);
}

/** Whether it had to be made. */
async function ensureNamespace(name: string): Promise<boolean> {
  const present = rowsOf<{ readonly name: string }>(await run("ip", ["-j", "netns", "list"]));
  if (present.some((n) => n.name === name)) return false;
  await run("ip", ["netns", "add", name]);
  return true;
}

export async function removeGuestLink({ name, made }: Device): Promise<void> {
  await run("ip", ["link", "del", "dev", name]);
  if (made?.namespace_made) await run("ip", ["netns", "del", made.namespace]);
}

/** Our devices have no address and say nothing of their own: what the host says on a guest's link reaches the guest. */
export async function setUp(names: readonly string[]): Promise<void> {
  for (const name of names) await writeFile(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, "1").catch(ignoreMissing);
  await batch(names.flatMap((name) => [`link set dev ${name} addrgenmode none`, `link set dev ${name} up`]));
}

export const setDown = (names: readonly string[]): Promise<void> =>
  batch(names.map((name) => `link set dev ${name} down`));

/** A device that vanished meanwhile is found missing by the next look at the devices. */
async function batch(lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await run("ip", ["-force", "-batch", "-"], `${lines.join("\n")}\n`).catch(() => undefined);
}

/** Without IPv6 in the kernel there is nothing to switch off. */
function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}

/** One process for all of them; an address without a route fails its line only. */
export async function nextHops(tunnels: readonly string[]): Promise<Map<string, NextHop>> {
  if (tunnels.length === 0) return new Map();
  const asked = tunnels.map((address) => `route get ${address}\n`).join("");
  const answer = await run("ip", ["-j", "-force", "-batch", "-"], asked).catch(
    (e: { stdout?: string }) => e.stdout ?? "",
  );
  const devices = await listDevices();
  const hops = new Map<string, NextHop>();
  for (const { dst, dev, gateway } of rowsOf<IpRoute>(answer)) {
    const uplink = dev === undefined ? undefined : devices.get(dev)?.ifindex;
    if (uplink !== undefined) hops.set(dst, { uplink, next_hop: gateway ?? dst });
  }
  return hops;
}
