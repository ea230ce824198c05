import { packet } from "@onehop/core";

/** The ARP request's reply, made in place: whatever follows its 28 bytes stays (RFC 826). */
export function arpReply(request: Uint8Array, mac: string): Uint8Array {
  const [eth, arp] = packet.decode(request) as [packet.Eth, packet.Arp];
  const reply = packet.frame(
    packet.eth({ src: mac, dst: eth.src }),
    packet.arp({
      op: 2,
      sender_mac: mac,
      sender_ip: arp.target_ip,
      target_mac: arp.sender_mac,
      target_ip: arp.sender_ip,
    }),
  );
  return packet.concat([reply, request.subarray(reply.length)]);
}
