import { type Guest, ipBatch, type Lab, run } from "@onehop/lab";

/** Both ends of a guest's link: what a guest does that was not told, or does not listen to, what fits. */
export async function raiseMtu(lab: Lab, guest: Guest, mtu: number): Promise<void> {
  const { namespace } = lab.host(guest.host);
  const links = JSON.parse(await run(["ip", "-j", "-n", namespace, "link", "show"])) as {
    ifname: string;
    ifalias?: string;
  }[];
  const device = links.find((link) => link.ifalias?.includes(guest.port_id));
  if (!device) throw new Error(`${guest.name} has no device on ${guest.host}.`);
  await ipBatch([`link set ${device.ifname} mtu ${mtu}`], namespace);
  await ipBatch([`link set eth0 mtu ${mtu}`], guest.namespace);
}
