import { Class } from "@onehop/datapath";
import { until } from "@onehop/lab";
import { note, station, whoHas } from "@onehop/testkit/netns/frames";
import { Nic } from "@onehop/testkit/netns/nic";
import type { PlainWorld } from "./world.ts";

/** Frames of a class, and how many a second: more than its limit lets through. */
const [COUNT, RATE] = [1000, 5000];

/**
 * D9: packets are told apart by class, each with a counter and a limit of its own. Floods the card of h3's guest, whose own
 * kernel is silent from then on.
 */
export async function classesHold(world: PlainWorld): Promise<boolean> {
  const guest = world.guest(3);
  const nic = await Nic.ofGuest(guest.namespace);
  const kernel = world.kernel("h3");
  const slot = kernel.slot(guest.port_id);
  const counted = (): { readonly arp: number; readonly broadcast: number; readonly refused: number } => {
    const { class_packets } = kernel.maps.port_counters.get(slot)!;
    const refused = kernel.counts(guest.port_id).drops.class_limit ?? 0;
    return { arp: class_packets[Class.ARP]!, broadcast: class_packets[Class.BROADCAST]!, refused };
  };
  const all = async (which: "arp" | "broadcast", frame: Uint8Array): Promise<number> => {
    const before = counted();
    await nic.flood(frame, { count: COUNT, rate: RATE });
    await until("all frames to be counted", () => counted()[which] - before[which] >= COUNT || undefined);
    return counted().refused - before.refused;
  };
  const refusedArp = await all("arp", whoHas(station(guest), guest.gateway));
  // Broadcast's bucket is full still, whatever ARP spent.
  const refusedBroadcast = await all(
    "broadcast",
    note(station(guest), { mac: "ff:ff:ff:ff:ff:ff", address: "10.0.3.255" }, "to all"),
  );
  await nic.close();
  const some = (refused: number): boolean => refused > 0 && refused < COUNT;
  return some(refusedArp) && some(refusedBroadcast);
}
