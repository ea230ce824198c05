import { spawn } from "node:child_process";
import { inNamespace } from "@onehop/lab/system/run";
import { quantiles } from "../../learn/quantiles.ts";
import type { Quantiles } from "../../learn/result.ts";
import { counter, freeAddress } from "../plan.ts";
import type { Region } from "../region.ts";
import { wallMs } from "../sim/seen.ts";
import { talkers } from "./guests.ts";
import type { Loaded } from "./load.ts";
import { metrics } from "./metrics.ts";

export interface Churn {
  readonly seconds: number;
  /** Changes a second: half of them creations, half deletions, of ports of simulated hosts. */
  readonly rate: number;
}

/** A new port that is not reachable for so long never will be. */
const PATIENCE_S = 10;

export interface Churned {
  readonly seconds: number;
  readonly changes: number;
  readonly changes_per_s: number;
  readonly failed: readonly string[];
  readonly api_ms: Quantiles;
  /** From the request to the first answer to a ping from a guest of another host. */
  readonly reachable_ms: readonly number[];
  readonly unreachable: number;
  readonly messages_per_change: number;
  readonly bytes_per_change: number;
  readonly fanout: { readonly p50: number; readonly max: number };
  readonly interested: { readonly p50: number; readonly max: number };
  /** Hosts told in all, and interested in all, as the controllers' metrics say. */
  readonly told: number;
  readonly wanted: number;
  /** Hosts of other networks that were told of a network. */
  readonly unrelated: number;
}

/** So many seconds of changes, while ports come to be on a real host and are pinged from another. */
export async function churn(region: Region, loaded: Loaded, { seconds, rate }: Churn): Promise<Churned> {
  await region.fleet.clear();
  const before = await metrics(region);
  const changer = new Changer(region, loaded, rate);
  const start = performance.now();
  const running = changer.run(seconds);
  const { times, lost } = await newPorts(region, loaded, { rate, end: start + seconds * 1000 });
  await running;
  const took = (performance.now() - start) / 1000;
  const after = await metrics(region);
  const changes = changer.done + 2 * (times.length + lost);
  const told = [...(await region.fleet.look()).told.values()].map((hosts) => hosts + HUBS).sort((a, b) => a - b);
  const interested = region.planned.hostsOf.map((hosts) => hosts.length + HUBS).sort((a, b) => a - b);
  const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  return {
    ...{ seconds: took, changes, changes_per_s: Math.round(changes / took), failed: changer.failed.slice(0, 10) },
    api_ms: quantiles(changer.times),
    ...{ reachable_ms: times, unreachable: lost },
    messages_per_change: grown("onehop_controller_frames_sent_total") / changes,
    bytes_per_change: Math.round(grown("onehop_controller_bytes_sent_total") / changes),
    fanout: { p50: told[told.length >> 1] ?? 0, max: told.at(-1) ?? 0 },
    interested: { p50: interested[interested.length >> 1] ?? 0, max: interested.at(-1) ?? 0 },
    told: grown("onehop_controller_fan_out_hosts_sum"),
    wanted: grown("onehop_controller_interested_hosts_sum"),
    unrelated: told.filter((hosts) => hosts > interested.at(-1)!).length,
  };
}

/** Every network's table is whole at both hubs, which are real: no simulated host sees what they are told. */
const HUBS = 2;

/** Creates and deletes ports of simulated hosts at a steady rate, whoever waits. */
class Changer {
  readonly times: number[] = [];
  readonly failed: string[] = [];
  done = 0;
  readonly #region: Region;
  readonly #loaded: Loaded;
  readonly #rate: number;
  readonly #made: string[] = [];
  readonly #random = counter(99);
  readonly #under = new Set<Promise<void>>();

  constructor(region: Region, loaded: Loaded, rate: number) {
    this.#region = region;
    this.#loaded = loaded;
    this.#rate = rate;
  }

  async run(seconds: number): Promise<void> {
    const start = performance.now();
    for (let n = 0; performance.now() < start + seconds * 1000; n++) {
      const wait = start + (n * 1000) / this.#rate - performance.now();
      if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
      const one = this.#change(n).finally(() => this.#under.delete(one));
      this.#under.add(one);
      // An API that is behind is not buried; what was reached is told.
      while (this.#under.size > 64) await Promise.race(this.#under);
    }
    await Promise.all(this.#under);
  }

  async #change(n: number): Promise<void> {
    const { apis } = this.#region;
    const client = apis[0]!;
    const start = performance.now();
    const old = n % 2 === 1 ? this.#made.shift() : undefined;
    try {
      if (old) await client.delete("ports", old);
      else this.#made.push((await client.create("ports", this.#port(n))).id);
      this.done++;
    } catch (error) {
      this.failed.push((error as Error).message);
    }
    this.times.push(performance.now() - start);
  }

  #port(n: number): object {
    const { planned, hostIds } = this.#region;
    const network = this.#random() % planned.networks;
    const hosts = planned.hostsOf[network]!.filter((host) => !planned.real.includes(host));
    const host_id = hostIds[hosts[this.#random() % hosts.length]!]!;
    return { name: `churn-${this.#rate}-${n}`, network_id: this.#loaded.networks[network], host_id };
  }
}

let nth = 0;

/** New ports on the second real host, one after the other, each pinged from a guest of the first. */
async function newPorts(region: Region, { networks, nics }: Loaded, { rate, end }: { rate: number; end: number }) {
  const { lab, client, planned, hostIds } = region;
  const from = lab.namespaceOf(talkers(region, 0)[0]!.name);
  const network = planned.talking[1];
  const times: number[] = [];
  let lost = 0;
  for (let n = 0; performance.now() < end; n++) {
    const address = freeAddress(network, nth++ % 300);
    const { device, mac, readdress } = nics[n % nics.length]!;
    await readdress(address);
    const start = wallMs();
    const { id } = await client.create("ports", {
      ...{ name: `new-${rate}-${n}`, network_id: networks[network], addresses: [address], mac },
      ...{ host_id: hostIds[planned.real[1]], device: { kind: "adopt", name: device } },
    });
    const at = await firstAnswer(from, address);
    if (at === undefined) lost++;
    else times.push(at - start);
    await client.delete("ports", id);
  }
  return { times, lost };
}

/** When the first ping was answered, ms since 1970; undefined: none was. */
function firstAnswer(namespace: string, address: string): Promise<number | undefined> {
  // A deadline (-w) would also end at the first "unreachable", which is what a gateway says of a port too new to be known.
  const argv = inNamespace(namespace, ["ping", "-n", "-D", "-i", "0.005", "-c", String(PATIENCE_S * 200), address]);
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ["ignore", "pipe", "ignore"] });
  return new Promise((resolve) => {
    let said = "";
    child.stdout.on("data", (piece: Buffer) => {
      said += piece.toString();
      const at = /^\[(\d+\.\d+)\] \d+ bytes from/m.exec(said)?.[1];
      if (at === undefined) return;
      child.kill("SIGKILL");
      resolve(Number(at) * 1000);
    });
    child.once("close", () => resolve(undefined));
  });
}
