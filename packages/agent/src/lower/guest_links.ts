import { cidr4 } from "@onehop/core";
import type { GuestLink } from "../kernel/kernel.ts";
import { OVERHEAD } from "./facts.ts";
import { deviceName, type Opened } from "./plan.ts";

/** Links that the agent makes itself: those of ports whose device is a veth to a namespace. */
export function guestLinks(plan: Opened, underlayMtu: number): GuestLink[] {
  return plan.local.flatMap(({ port, network }) => {
    const [address] = port.addresses;
    if (port.device?.kind !== "veth" || address === undefined) return [];
    return [
      {
        port_id: port.id,
        name: deviceName(port.id, port.device),
        namespace: port.device.namespace,
        mac: port.mac,
        address: `${address}/${cidr4(network.cidr).prefix}`,
        gateway: network.gateway,
        mtu: underlayMtu - OVERHEAD,
      },
    ];
  });
}
