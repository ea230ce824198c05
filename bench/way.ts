import type { Lab } from "@onehop/lab";
import { judge } from "@onehop/lab/capture/judge";
import { listenToWire } from "@onehop/lab/capture/wire";
import { ping } from "@onehop/lab/traffic/ping";

const MARKER = "bench way .......";
const ECHOES = 20;

/**
 * What is wrong with the way that the routed path's packets take over the underlay; nothing where each goes from host to
 * host, once encapsulated, as a packet between the hosts would.
 */
export async function wayProblems(lab: Lab): Promise<readonly string[]> {
  const guests = await lab.guests();
  const [from, to] = ["sender", "routed"].map((name) => guests.find((g) => g.port === name)!) as [
    (typeof guests)[number],
    (typeof guests)[number],
  ];
  const address = to.addresses[0]!;
  let sent = 0;
  const seen = await listenToWire(lab.fabric, async () => {
    const echoes = await ping({ namespace: from.namespace, to: address, count: ECHOES, marker: MARKER.slice(0, 16) });
    sent = echoes.received === echoes.sent ? echoes.sent : 0;
  });
  if (sent === 0) return ["echoes on the routed path were lost"];
  const end = ({ host, addresses }: typeof from) => ({
    host,
    address: addresses[0]!,
    tunnel: lab.host(host).tunnelAddress,
  });
  const flow = { from: end(from), to: end(to), vni: from.vpc_vni, routed: true, marker: MARKER.slice(0, 16), sent };
  return judge(flow, seen).problems;
}
