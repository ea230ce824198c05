import { type Guest, Lab, until } from "@onehop/lab";
import type { ProbeResult } from "./probe.ts";
import { Traffic } from "./traffic.ts";

export interface KillsOptions {
  /** Rounds of changes; in each, an agent and then the controller are killed (-9) and started again. */
  readonly rounds: number;
  /** The control run makes the same changes and kills nobody. */
  readonly victims: "agents and controller" | "none";
  readonly progress?: (text: string) => void;
}

/** What one run shows; a control run must show the same losses: none. */
export interface KillsResult {
  readonly rounds: number;
  readonly victims: KillsOptions["victims"];
  /** Packets of the two guests that one program sent on and the other never delivered, both ways. */
  readonly lost_at_programs: number;
  /** Packets of the two guests that a program dropped. */
  readonly dropped: number;
  readonly probe: ProbeResult;
  /** From a killed process being started again until the change made meanwhile was realised, ms. */
  readonly realised_ms: readonly number[];
}

const FILE = `
{apiVersion: onehop/v1, kind: Project, metadata: {name: faults}, spec: {}}
---
{apiVersion: onehop/v1, kind: Vpc, metadata: {name: v, project: faults}, spec: {cidrs: [10.0.0.0/16]}}
---
{apiVersion: onehop/v1, kind: Network, metadata: {name: a, project: faults, vpc: v}, spec: {cidr: 10.0.1.0/24}}
---
{apiVersion: onehop/v1, kind: Network, metadata: {name: b, project: faults, vpc: v}, spec: {cidr: 10.0.2.0/24}}
---
apiVersion: onehop/v1
kind: Port
metadata: {name: from, project: faults, vpc: v, network: a}
spec: {host: h1, device: {kind: veth, namespace: from}}
---
apiVersion: onehop/v1
kind: Port
metadata: {name: to, project: faults, vpc: v, network: b}
spec: {host: h2, device: {kind: veth, namespace: to}}
`;

interface Counters {
  readonly tx_packets: number;
  readonly rx_packets: number;
  readonly classes: Readonly<Record<string, number>>;
  readonly drops: Readonly<Record<string, number>>;
}

/** A lab of two hosts under traffic, whose processes are killed while ports come, change and go. */
export async function runKills(options: KillsOptions): Promise<KillsResult> {
  const lab = await Lab.up({ hosts: 2 });
  try {
    await lab.apply(FILE);
    await lab.realised();
    const guests = await lab.guests();
    const [from, to] = ["from", "to"].map((name) => guests.find((g) => g.name === name)!) as [Guest, Guest];
    const before = await countersOf(lab, [from, to]);
    const traffic = await Traffic.start(from, to);
    const realised_ms = await killAll(lab, from.network_id, options);
    const probe = await traffic.stop();
    const after = await countersOf(lab, [from, to]);
    const { rounds, victims } = options;
    return { rounds, victims, ...losses(before, after), probe, realised_ms };
  } finally {
    await lab.close();
  }
}

async function killAll(lab: Lab, network: string, options: KillsOptions): Promise<number[]> {
  const changes = new Changes(lab, network);
  const killing = options.victims !== "none";
  const times: number[] = [];
  const timed = async (start: () => Promise<unknown>): Promise<void> => {
    const restarted = performance.now();
    if (killing) await start();
    await changes.realised();
    times.push(Math.round(performance.now() - restarted));
  };
  for (let round = 0; round < options.rounds; round++) {
    const host = lab.hosts[round % lab.hosts.length]!.name;
    if (killing) await lab.agents.get(host)!.kill();
    await changes.make(`${round}-a`);
    await timed(() => lab.startAgent(host));

    if (killing) await Promise.all([lab.controller!.kill(), changes.tryToMake(round)]);
    await timed(async () => {
      await lab.startController();
      await changes.make(`${round}-b`);
    });
    options.progress?.(`${round + 1} of ${options.rounds} rounds, killed: ${options.victims}`);
  }
  return times;
}

/** Ports that come, change and go beside the traffic. */
class Changes {
  readonly #lab: Lab;
  readonly #network: string;
  #ids: string[] = [];
  #host = 0;

  constructor(lab: Lab, network: string) {
    this.#lab = lab;
    this.#network = network;
  }

  /** One port created, the one before it changed, the one before that deleted. */
  async make(round: string): Promise<void> {
    const { client } = this.#lab;
    const hosts = await client.list("hosts");
    const name = `guest-${round}`;
    const device = { kind: "veth", namespace: this.#lab.namespaceOf(name) };
    const host_id = hosts[this.#host++ % hosts.length]!.id;
    const port = await client.create("ports", { name, network_id: this.#network, host_id, device });
    this.#ids.push(port.id);
    const [gone, changed] = this.#ids.slice(-3);
    if (this.#ids.length >= 3 && gone) await client.delete("ports", gone);
    const patched = this.#ids.length >= 3 ? changed : undefined;
    if (patched) await client.patch("ports", patched, { allowed_addresses: ["172.16.0.0/12"] });
    this.#ids = this.#ids.slice(-2);
  }

  /** With the controller dying: whether it was done is unknown, and does not matter. */
  async tryToMake(round: number): Promise<void> {
    const body = { name: `torn-${round}`, network_id: this.#network };
    await this.#lab.client.create("ports", body).catch(() => undefined);
  }

  async realised(): Promise<void> {
    for (const id of this.#ids)
      await until("the change to be realised", async () => {
        const port = await this.#lab.client.wait("ports", id, 5);
        return port.status.state === "realised" || undefined;
      });
  }
}

async function countersOf(lab: Lab, guests: readonly Guest[]): Promise<Counters[]> {
  return Promise.all(
    guests.map(
      async (g) => (await lab.client.request("GET", `/v1/ports/${g.port_id}/counters`)).body as unknown as Counters,
    ),
  );
}

/** ARP is answered where it starts, so only what is forwarded is compared. */
function losses(before: readonly Counters[], after: readonly Counters[]) {
  const grown = after.map((now, i) => {
    const was = before[i]!;
    const forwarded = (c: Counters) => (c.classes.layer2 ?? 0) + (c.classes.layer3 ?? 0);
    const drops = (c: Counters) => Object.values(c.drops).reduce((sum, n) => sum + n, 0);
    return {
      sent: forwarded(now) - forwarded(was),
      received: now.rx_packets - was.rx_packets,
      dropped: drops(now) - drops(was),
    };
  });
  const [from, to] = grown as [(typeof grown)[0], (typeof grown)[0]];
  return {
    lost_at_programs: from.sent - to.received + (to.sent - from.received),
    dropped: from.dropped + to.dropped,
  };
}
