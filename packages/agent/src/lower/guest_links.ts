import { cidr4 } from "@onehop/core";
import { OVERHEAD } from "./facts.ts";
import { deviceName, type Opened } from "./plan.ts";

/** A link to make: one end on the host, down and without addresses; the other is the guest's eth0, ready for use. */
export interface GuestLink {
  readonly port_id: string;
  /** Name of the host's end. */
  readonly name: string;
  readonly namespace: string;
  readonly mac: string;
  /** `10.0.1.5/24` */
  readonly address: string;
  readonly gateway: string;
  readonly mtu: number;
}

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
