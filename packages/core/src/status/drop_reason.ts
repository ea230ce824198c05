/**
 * Why a packet ended. The names are those of `enum oh_drop` in packages/datapath/bpf/drop_reasons.h, in its order
 * (a data-plane test proves it); the words are for people.
 */
export interface DropWords {
  readonly title: string;
  readonly hint: string;
}

const words = (title: string, hint: string): DropWords => ({ title, hint });

export const DROP_REASONS = {
  malformed: words(
    "The packet's headers are cut short or contradict each other.",
    "Look at the guest's driver or a tool that crafts packets.",
  ),
  unknown_port: words("The device has no port.", "Bind a port to the device: onehop port bind."),
  ethertype: words(
    "The frame is neither IPv4 nor ARP.",
    "Only IPv4 is carried; switch IPv6 and VLAN tags off in the guest.",
  ),
  source_mac: words(
    "The guest sent from a MAC that is not its port's.",
    "Give the guest the port's MAC, or create a port with the guest's.",
  ),
  source_address: words(
    "The guest sent from an address that is not its port's.",
    "Use the port's address, or add the range to allowed_addresses.",
  ),
  arp_source: words("The guest sent ARP in another's name.", "Use the port's MAC and address in ARP."),
  class_limit: words(
    "The port sent more of this class of packets than it may.",
    "Find what floods ARP, broadcast or errors in the guest.",
  ),
  broadcast: words("Broadcast and multicast are not carried.", "Use unicast."),
  service: words(
    "DHCP and metadata are not served.",
    "Configure the guest by hand, or through cloud-init's config drive.",
  ),
  unknown_mac: words(
    "No port of the network has the destination MAC.",
    "Clear the guest's neighbour cache; check that the peer's port is bound.",
  ),
  unknown_destination: words(
    "The address is in the VPC's ranges but no bound port has it.",
    "Check the address; bind the port.",
  ),
  no_route: words("No route of the VPC leads to the address.", "Add a route: onehop route create."),
  next_hop: words(
    "The route's next hop is not a bound port of the VPC.",
    "Bind the next hop's port, or change the route.",
  ),
  ttl: words("The time to live ran out at the router.", "Look for a routing loop through a guest, or raise the TTL."),
  too_big: words(
    "The packet does not fit the underlay and may not be fragmented.",
    "Give the guest an MTU of the underlay's less 50 bytes; the ICMP error that it got names it.",
  ),
  unknown_host: words(
    "An encapsulated packet came from an address that is no known host's.",
    "Register the host, or filter the source in the underlay.",
  ),
  unknown_vni: words(
    "An encapsulated packet names a VNI that this host does not serve.",
    "The sender's plan may be old; wait, or compare onehop host show.",
  ),
  peer_vni: words("A plain VXLAN peer may use networks' VNIs only.", "Configure the peer with the network's VNI."),
  router_mac: words(
    "A routed packet's inner MACs are not those of its hosts.",
    "The sender may be misconfigured or forged.",
  ),
  not_here: words(
    "The destination is not on this host.",
    "The sender's plan may be old; it is mended by the next update.",
  ),
  overlay_header: words(
    "The outer or VXLAN header is not one that onehop accepts.",
    "Look at who sends to UDP port 4789.",
  ),
  overlay_class: words(
    "ARP, broadcast or another kind that never crosses the underlay came out of a tunnel.",
    "Look at the sending host.",
  ),
  device_gone: words(
    "The port's device cannot take packets.",
    "See onehop port show for what the agent says of the device.",
  ),
  internal: words("A helper of the kernel refused the packet.", "Report it with the counters of onehop host show."),
  no_hub: words(
    "The receiver's host is not known yet, and no hub of the VPC can be reached.",
    "Look at the hosts with the role hub: onehop host list. Pairs that were talking go on.",
  ),
  hub_source: words(
    "A relayed packet did not come from the host where its sender is bound.",
    "The sender's binding may be moving; otherwise look at the sending host.",
  ),
  hops: words(
    "The packet was relayed too often.",
    "Hosts disagree about where a port is; it is mended within a second.",
  ),
  message: words(
    "A learning message was not accepted.",
    "See the counters by reason, messages.* of onehop host datapath. Look at who sends to UDP port 4797.",
  ),
} as const satisfies Record<string, DropWords>;

export type DropReason = keyof typeof DROP_REASONS;
export const DROP_REASON_NAMES = Object.keys(DROP_REASONS) as DropReason[];
