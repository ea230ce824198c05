import { depth, hasMarker } from "../capture/judge.ts";
import { type Seen, Sniffer } from "../capture/sniffer.ts";
import { listenToWire } from "../capture/wire.ts";
import type { FabricPlan } from "../fabric/plan.ts";
import type { Guest } from "../guests.ts";
import { ping } from "../traffic/ping.ts";
import { byVpc } from "./cases.ts";

export interface Isolation {
  /** Packets of one VPC that a guest of another got, answers from another VPC, and packets under another's VNI. */
  readonly crossed: number;
  /** Packets that had to arrive within their own VPC and did not. */
  readonly lost: number;
  readonly sent: number;
  /** Everything on the routed links meanwhile. */
  readonly wire: readonly Seen[];
}

const COUNT = 2;
const FENCE = "-- end --";

interface Tenant {
  readonly marker: string;
  readonly guests: readonly Guest[];
  readonly addresses: ReadonlySet<string>;
  readonly vnis: ReadonlySet<number>;
}

/**
 * Every guest speaks to every address of every VPC, its packets marked with its own VPC, while all guests and the wire
 * are listened to.
 */
export async function proveIsolation(guests: readonly Guest[], fabric: FabricPlan): Promise<Isolation> {
  const tenants = byVpc(guests).map(tenantOf);
  const everywhere = [...new Set(tenants.flatMap((t) => [...t.addresses]))];
  const ears = new Map<Guest, Sniffer>();
  const totals = { sent: 0, lost: 0, answered: 0 };
  let wire: Seen[] = [];
  try {
    await Promise.all(guests.map(async (guest) => ears.set(guest, await listenAt(guest))));
    wire = await listenToWire(fabric, async () => {
      for (const tenant of tenants) await callEveryone(tenant, everywhere, totals);
    });
    await Promise.all([...ears].map(([guest, ear]) => fence(guest, ear)));
  } finally {
    await Promise.all([...ears.values()].map((ear) => ear.end()));
  }
  const heard = [...ears].reduce((sum, [guest, ear]) => sum + foreignPackets(guest, ear.result(), tenants), 0);
  const crossed = heard + totals.answered + foreignVnis(wire, tenants);
  return { crossed, lost: totals.lost, sent: totals.sent, wire };
}

const tenantOf = (guests: readonly Guest[], index: number): Tenant => ({
  marker: `vpc ${String(index).padStart(4, "0")}.`,
  guests,
  addresses: new Set(guests.flatMap((g) => g.addresses)),
  vnis: new Set(guests.flatMap((g) => [g.vpc_vni, g.network_vni])),
});

const listenAt = (guest: Guest): Promise<Sniffer> =>
  Sniffer.start({ namespace: guest.namespace, device: "eth0", inward: true, filter: "ip" });

async function callEveryone(tenant: Tenant, addresses: readonly string[], totals: Totals): Promise<void> {
  await Promise.all(
    tenant.guests.map(async (guest) => {
      for (const to of addresses.filter((a) => !guest.addresses.includes(a))) {
        const { namespace } = guest;
        const { sent, received } = await ping({ namespace, to, count: COUNT, marker: tenant.marker, intervalMs: 2 });
        totals.sent += sent;
        if (tenant.addresses.has(to)) totals.lost += COUNT - received;
        else totals.answered += received;
      }
    }),
  );
}
interface Totals {
  sent: number;
  lost: number;
  answered: number;
}

/** The gateway's answer to a last echo comes in after all that came before. */
async function fence(guest: Guest, ear: Sniffer): Promise<void> {
  const answer = ping({ namespace: guest.namespace, to: guest.gateway, count: 3, marker: FENCE });
  await ear.sees((s) => hasMarker(s, FENCE));
  await answer;
}

const foreignPackets = (guest: Guest, seen: readonly Seen[], tenants: readonly Tenant[]): number =>
  seen.filter((s) => tenants.some((t) => !t.guests.includes(guest) && hasMarker(s, t.marker))).length;

/** A packet on the wire is its VPC's by its marker, and must be so by its VNI. */
function foreignVnis(wire: readonly Seen[], tenants: readonly Tenant[]): number {
  const entering = wire.filter((s) => s.direction === "in" && depth(s.layers) > 0);
  return entering.filter((s) => {
    const owner = tenants.find((t) => hasMarker(s, t.marker));
    return owner !== undefined && s.layers.some((l) => l.kind === "vxlan" && !owner.vnis.has(l.vni));
  }).length;
}
