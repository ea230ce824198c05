import { until } from "@onehop/lab";
import type { LearnContext, LearnFigure } from "../figure.ts";
import { quantiles } from "../quantiles.ts";
import type { Findings } from "../result.ts";
import { Flow } from "./flow.ts";
import { addressOf, HardLab, HUBS } from "./lab.ts";

export interface HubKills {
  /** Silences of the relayed flow, ms. */
  readonly silences: readonly number[];
  /** Packets of the direct flow that did not arrive. */
  readonly lost: number;
}

/**
 * Kills the hub that carries a flow so many times. g1's packets to g2 stay on the hub, since h1
 * believes nothing that h2 says; those to g3 go straight.
 */
export async function killHubs(hard: HardLab, rounds: number, { progress, signal }: Watcher): Promise<HubKills> {
  const [g1, g2, g3] = ["g1", "g2", "g3"].map((name) => hard.guest(name)) as [Guest, Guest, Guest];
  const { barred, learned } = hard.maps("h1");
  barred.set({ vpc: g1.vpc_vni, host: hard.numberOf("h2") }, { since: 1 });
  learned.delete({ vpc: g1.vpc_vni, address: addressOf(2) });
  const direct = await Flow.start({ from: g1, to: g3 });
  const relayed = await Flow.start({ from: g1, to: g2 });
  const silences: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      silences.push(await killOne(hard, relayed, round));
      progress(`Hub killed ${round + 1} of ${rounds} times: ${silences.at(-1)!.toFixed(0)} ms`);
    }
    const { sent, received } = await direct.stop();
    return { silences, lost: sent - received };
  } finally {
    await Promise.all([direct.kill(), relayed.kill()]);
    barred.delete({ vpc: g1.vpc_vni, host: hard.numberOf("h2") });
  }
}

type Guest = ReturnType<HardLab["guest"]>;
type Watcher = Pick<LearnContext, "progress" | "signal">;

/** One who dies takes the agent along as well; its coming back takes seconds, and no packet waits for it. */
const AGENT_TOO = 5;

/** The hub's links go, and in some rounds its agent (-9). */
async function killOne(hard: HardLab, relayed: Flow, round: number): Promise<number> {
  const hub = await healthyHub(hard);
  const other = HUBS.find((h) => h !== hub)!;
  const before = await hard.packetsTo(other);
  const start = process.hrtime.bigint();
  const agent = round % AGENT_TOO === 0 ? hard.lab.agents.get(hub) : undefined;
  await Promise.all([hard.uplinks(hub, "down"), agent?.kill()]);
  await until("the other hub to carry the flow", async () => (await hard.packetsTo(other)) > before + 100 || undefined);
  const silence = await until("the flow to be heard again", () => relayed.longestSince(start) || undefined);
  if (agent) await hard.lab.startAgent(hub);
  await revive(hard, hub);
  return silence;
}

/** The hub that the flow goes by, once it answered the host: it is not to die while it is still coming back. */
async function healthyHub(hard: HardLab): Promise<string> {
  const hub = await hard.busyHub();
  await until("the hub to answer", () => hard.maps("h1").peers.get(hard.numberOf(hub))!.answered > 0n || undefined);
  return hub;
}

async function revive(hard: HardLab, hub: string): Promise<void> {
  await hard.uplinks(hub, "up");
  const hosts = ["h1", "h2"];
  const vni = hard.guest("g1").vpc_vni;
  const known = (at: string): boolean => hard.hubsKnown(at, vni).includes(hard.numberOf(hub));
  await until("the hub to be whole, announced and reached", async () => {
    const whole = hard.maps(hub).hub_sync.get(0)!.until > process.hrtime.bigint();
    return (whole && hosts.every(known) && (await hard.reaches("h1", hub))) || undefined;
  });
  // Damping is another figure's; each death is to meet a host that thinks well of both hubs.
  for (const at of hosts) hard.calm(at, hub);
}

async function measure({ quick, ...context }: LearnContext): Promise<Findings> {
  const hard = await HardLab.up(context.progress);
  try {
    const { silences, lost } = await killHubs(hard, quick ? 5 : 30, context);
    const hub_kill_ms = quantiles(silences);
    return { hub_kill_ms, promises: { D10: lost === 0 && hub_kill_ms.p99 <= 300 }, details: { silences, lost } };
  } finally {
    await hard.close();
  }
}

export const hubKill: LearnFigure = { name: "hub_kill", measure };
