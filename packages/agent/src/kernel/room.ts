import { type IpLink, listLinks, run } from "./ip.ts";

/**
 * A bridge that is down and stays so: for a bridge's ports the kernel leaves the VXLAN device's headers room in whatever a
 * guest sends, which spares the program a copy of each small packet. No packet crosses it (docs/decisions/0008).
 */
const ROOM = "oh-room";
const MAKE = ["link", "add", ROOM, "type", "bridge", "stp_state", "0", "mcast_snooping", "0"];
/** Should somebody bring the bridge up: it takes nothing from a port, and gives nothing to one. */
const CLOSED = { locked: true, isolated: true, learning: false, flood: false, mcast_flood: false, bcast_flood: false };
const CLOSED_WORDS = Object.entries(CLOSED).flatMap(([flag, on]) => [flag, on ? "on" : "off"]);

/** Makes devices that are nobody's port the bridge's. It takes 1,024; what finds no place, or is gone, only lacks the room. */
export async function joinRoom(names: readonly string[]): Promise<void> {
  await batch(names.flatMap((name) => [`link set dev ${name} master ${ROOM}`, closeOf(name)]));
}

/** The bridge with these ports, from whatever there is: made anew, or with its ports and their flags put right. */
export async function repairRoom(names: readonly string[]): Promise<void> {
  const links = await listLinks();
  if (!links.some(({ ifname }) => ifname === ROOM)) {
    await run("ip", MAKE);
    await run("ip", ["link", "set", "dev", ROOM, "addrgenmode", "none"]);
  }
  const wanted = new Set(names);
  const ours = links.filter(({ ifname }) => wanted.has(ifname));
  await batch(ours.filter((link) => link.master === ROOM && !isClosed(link)).map(({ ifname }) => closeOf(ifname)));
  await joinRoom(ours.filter(({ master }) => master === undefined).map(({ ifname }) => ifname));
}

const closeOf = (name: string): string => `link set dev ${name} type bridge_slave ${CLOSED_WORDS.join(" ")}`;

function isClosed({ linkinfo }: IpLink): boolean {
  const flags = linkinfo?.info_slave_data ?? {};
  return Object.entries(CLOSED).every(([flag, on]) => flags[flag] === on);
}

/** A line that fails stops no other. */
async function batch(lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await run("ip", ["-force", "-batch", "-"], `${lines.join("\n")}\n`).catch(() => undefined);
}
