import { ipBatch, run } from "@onehop/lab";
import type { Region } from "../region.ts";

/** A guest's NIC that is there before its port: on the second real host, as a hypervisor makes it. */
export interface Nic {
  /** Name on the host. */
  readonly device: string;
  readonly mac: string;
  /** Gives the guest an address. */
  readonly readdress: (address: string) => Promise<void>;
}

/** Making a namespace takes a fifth of a second and says nothing of the control plane, so NICs are made before. */
export async function makeNics(region: Region, count: number): Promise<readonly Nic[]> {
  const { lab, client, planned } = region;
  const network = (await client.list("networks", { name: `n${planned.talking[1]}` }))[0]!;
  const prefix = network.cidr.split("/")[1];
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const guest = lab.namespaceOf(`nic${n}`);
      const device = `nic${n}`;
      const mac = `0a:00:00:00:0c:${(16 + n).toString(16)}`;
      await run(["ip", "netns", "add", guest]);
      const link = `link add ${device} mtu 1500 type veth peer name eth0 address ${mac} mtu 1500 netns ${guest}`;
      await ipBatch([link], lab.namespaceOf("h2"));
      // A guest may lose its first ARP request after its link came up; that it waits for a second then says nothing of us.
      const asksSoon = "ntable change name arp_cache dev eth0 retrans 10";
      await ipBatch(["link set lo up", "link set eth0 addrgenmode none", "link set eth0 up", asksSoon], guest);
      const readdress = (address: string) =>
        ipBatch(
          [
            "address flush dev eth0",
            `address add ${address}/${prefix} dev eth0`,
            `route replace default via ${network.gateway} dev eth0`,
          ],
          guest,
        );
      return { device, mac, readdress };
    }),
  );
}
