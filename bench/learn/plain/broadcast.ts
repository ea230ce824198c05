import { inNamespace, ipBatch, tryRun } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { Capture } from "./capture.ts";
import type { PlainWorld } from "./world.ts";

const ENCAPSULATED = "udp dst port 4789";
/** In a frame captured at an uplink: the inner Ethernet header. */
const INNER = 50;
const ARP = 0x0806;

/**
 * Bytes of ARP and broadcast that all hosts together put on the underlay while guests ask for their gateway, a neighbour
 * on another host and an address that nobody has, and shout to all.
 */
export async function broadcastBytes(world: PlainWorld): Promise<number> {
  const hosts = ["h1", "h2", "h3"];
  const captures = await Promise.all(
    hosts.map((host) => Capture.start(world.lab.host(host).namespace, "up0", ENCAPSULATED)),
  );
  for (const n of [1, 2, 3]) await shout(world, n);
  const frames = (await Promise.all(captures.map((capture) => capture.end()))).flat();
  if (frames.length === 0) throw new Error("The guests' packets were not seen, so nothing is proven.");
  return frames.filter(({ bytes }) => isForAll(bytes)).reduce((sum, { bytes }) => sum + bytes.length, 0);
}

const isForAll = (frame: Buffer): boolean =>
  ((frame[INNER] ?? 0) & 1) === 1 || (frame.length >= INNER + 14 && frame.readUInt16BE(INNER + 12) === ARP);

async function shout(world: PlainWorld, n: number): Promise<void> {
  const { namespace, gateway } = world.guest(n);
  await ipBatch(["neigh flush dev eth0"], namespace);
  for (const to of [gateway, `10.0.${n}.200`, `10.0.${n}.250`]) await ping({ namespace, to, count: 1 });
  await tryRun(inNamespace(namespace, ["ping", "-n", "-b", "-c", "3", "-i", "0.01", "-W", "0.1", `10.0.${n}.255`]));
}
