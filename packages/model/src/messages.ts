import { type At, type Host, type Intent, packet, type Vpc } from "@onehop/core";
import { toldUnknown } from "./icmp_error.ts";
import { type Known, Sight } from "./knowledge.ts";
import type { Message } from "./outcome.ts";
import { read } from "./read.ts";
import { MOST_HOPS } from "./tunnel.ts";
import { worldOf } from "./world.ts";

const ASK = {
  ...({ kind: "ask", hops: 0, teller: 0, address: undefined } as const),
  ...{ port: packet.NO_PORT, epoch: 0, revision: 0n, sequence: 0 },
};

/** Who has the address? With a port and a claim: is that still so? Without an address: are you there? */
export const question = (
  vpc: Vpc,
  asker: Host,
  about: Partial<Pick<Message, "address" | "port" | "epoch" | "revision">>,
): Message => ({ ...ASK, vpc: vpc.vni, asker: asker.number, ...about });

/**
 * What becomes of a message whose form, key and tag are right. sent: to the host, or to any of several. taken: the asker
 * has its answer. rejected: counted, and nothing else.
 */
export type Reply =
  | { readonly kind: "sent"; readonly to_hosts: readonly string[]; readonly message: Message }
  | { readonly kind: "taken" }
  | { readonly kind: "rejected" };

export interface Came {
  /** Ids of the hosts that have it, and that sent it. */
  readonly at: string;
  readonly from: string;
  readonly message: Message;
  /** Of an answer: whom the question was put to. */
  readonly asked?: string;
}

const REJECTED: Reply = { kind: "rejected" };

/** What a host does with a question. An answer that comes to who asked is taken. */
export function predictMessage(intent: Intent, { at, from, message: m, asked }: Came, known: Known): Reply {
  const world = worldOf(intent);
  const [here, sender, asker] = [world.host(at), world.host(from), world.hostByNumber(m.asker)];
  const vpc = world.vpcByVni(m.vpc);
  if (!here || !sender || !asker || !vpc) return REJECTED;
  if (m.kind !== "ask") {
    const isMine = m.asker === here.number && m.teller === sender.number;
    // Only the hub that was asked may deny.
    return isMine && (m.kind !== "unknown" || asked === from) ? { kind: "taken" } : REJECTED;
  }
  if (m.teller !== 0 || (m.hops === 0 && asker.id !== sender.id)) return REJECTED;
  return answered(new Sight(world, here, vpc, known), { asker, sender }, m);
}

interface Parties {
  readonly asker: At<Host>;
  /** Who it came from. */
  readonly sender: At<Host>;
}

function answered(sight: Sight, { asker, sender }: Parties, m: Message): Reply {
  const { here, knowledge } = sight;
  const answer = (kind: Message["kind"], more: Partial<Message> = {}): Reply => ({
    kind: "sent",
    to_hosts: [asker.id],
    message: { ...m, kind, teller: here.number, ...more },
  });
  if (m.address === undefined) return m.hops > 0 ? REJECTED : answer("teach");
  const place = sight.told(m.address);
  if (place?.host.id === here.id) {
    const { id, binding_revision = 0 } = place.port;
    return answer("teach", { port: id, epoch: knowledge!.epoch, revision: BigInt(binding_revision), sequence: 0 });
  }
  const to = place?.host.kind === "onehop" ? place.host : undefined;
  if (!sight.isHub) {
    // Asked straight, a host says what is true of itself.
    return to && m.hops > 0 && to.id !== sender.id ? passed(m, [to]) : answer("absent");
  }
  const mayPass = m.hops === 0 || to?.id === sender.id || sight.isUsed(sender) || sight.wasAt(m.address, sender.id);
  if (!mayPass) return REJECTED;
  // What a hub stands for itself stays with it.
  if (place?.host.kind === "vxlan-peer" || sight.gateway(m.address))
    return m.revision > 0n ? answer("absent") : REJECTED;
  if (!to && sight.isWhole) return answer("unknown");
  if (to && to.id !== sender.id) return to.id === asker.id ? REJECTED : passed(m, [to]);
  const mayTry = m.hops > 0 ? !sight.isUsed(sender) : !to;
  return mayTry
    ? passed(
        m,
        sight.otherHubs(sender).filter((hub) => hub.id !== asker.id),
      )
    : REJECTED;
}

/** On towards who has the port, or to another hub. */
const passed = (m: Message, to: readonly At<Host>[]): Reply =>
  m.hops >= MOST_HOPS || to.length === 0
    ? REJECTED
    : { kind: "sent", to_hosts: to.map((h) => h.id), message: { ...m, hops: m.hops + 1 } };

/** What the guest of a port gets where a hub said "unknown" about a frame that it sent; undefined: nothing. */
export function told(intent: Intent, sender: string, frame: Uint8Array): Uint8Array | undefined {
  const from = worldOf(intent).place(sender);
  const p = read(frame);
  return from && !("problem" in p) ? toldUnknown({ from, frame, p }) : undefined;
}
