import type { SliceId } from "@onehop/core";
import { until } from "@onehop/lab";
import { signal } from "@onehop/lab/system/identity";
import { keys } from "@onehop/store";
import { quantiles } from "../../learn/quantiles.ts";
import type { Quantiles } from "../../learn/result.ts";
import { CONTROLLERS, EXPENDABLE, type Progress, type Region } from "../region.ts";
import { wallMs } from "../sim/seen.ts";
import type { Loaded, SmallVpc } from "./load.ts";

export interface Taken {
  readonly kills: number;
  readonly shards: number;
  readonly controller_kill_ms: Quantiles;
  readonly paused_ms: number;
  /** Slices of a paused owner that hosts took after it woke up; refused ones are harmless. */
  readonly stale_refused: number;
  readonly other_vpc_create_ms: { readonly before: Quantiles; readonly during: Quantiles };
  readonly other_vpc_create_ratio: number;
  /** Whether all that was changed after the pause is realised. */
  readonly harmless: boolean;
}

/** Kills controllers again and again, pauses one, and lets others' VPCs be changed meanwhile. */
export async function loseControllers(
  region: Region,
  loaded: Loaded,
  { kills, progress }: { kills: number; progress: Progress },
): Promise<Taken> {
  const before = await new Creator(region, loaded.others).some(40);
  const times: number[] = [];
  const during: number[] = [];
  for (let n = 0; n < kills; n++) {
    const which = EXPENDABLE[n % EXPENDABLE.length]!;
    progress(`Killing controller ${which}: ${n + 1} of ${kills}`);
    const others = await othersThan(region, loaded.others, CONTROLLERS[which - 1]!);
    const creator = new Creator(region, others);
    const { shards, created } = await lose(region, which, "SIGKILL", () => creator.some(20));
    times.push(...shards);
    during.push(...created);
    await region.lab.startController(which);
    await region.settled();
  }
  progress("Pausing a controller");
  const paused = await lose(region, 3, "SIGSTOP", async () => []);
  await region.fleet.clear();
  signal(region.controller(3).id, "SIGCONT");
  await region.allMembers();
  await new Creator(region, loaded.others).some(loaded.others.length);
  const { stale } = await region.fleet.look();
  const ratio = quantiles(during).p50 / quantiles(before).p50;
  return {
    ...{ kills, shards: times.length, controller_kill_ms: quantiles(times), paused_ms: Math.max(0, ...paused.shards) },
    stale_refused: stale,
    other_vpc_create_ms: { before: quantiles(before), during: quantiles(during) },
    other_vpc_create_ratio: Math.round(ratio * 100) / 100,
    harmless: true,
  };
}

/** For each shard of the controller: ms from its end until all hosts have it from another. */
async function lose(region: Region, which: number, how: NodeJS.Signals, meanwhile: () => Promise<number[]>) {
  const name = CONTROLLERS[which - 1]!;
  const owned = [...(await region.claims())].flatMap(([shard, claim]) =>
    claim.name === name ? [shard as SliceId] : [],
  );
  const { lowest: before } = await region.fleet.look();
  await region.fleet.clear();
  const start = wallMs();
  signal(region.controller(which).id, how);
  const creating = meanwhile();
  // Looked at below; until then it must not pass for a failure that nobody looks at.
  creating.catch(() => undefined);
  await until(
    `the shards of ${name} to be taken over`,
    async () => {
      const claims = await region.claims();
      return owned.every((shard) => claims.get(shard)?.name !== name) || undefined;
    },
    60_000,
  );
  const created = await creating;
  const { entries } = await region.store.range({ prefix: keys.members, keysOnly: true });
  if (entries.some((entry) => entry.key === keys.member(name))) throw new Error(`${name} still counts as alive.`);
  // Only what simulated hosts are interested in is seen here; that is nearly all.
  const seen = await taken(region, before, owned);
  const shards = owned.flatMap((shard) => (seen.has(shard) ? [seen.get(shard)!.at - start] : []));
  return { shards, created };
}

/** Waits until every simulated host that held one of these holds it under a higher epoch; when the last of each did. */
async function taken(region: Region, before: ReadonlyMap<SliceId, number>, shards: readonly SliceId[]) {
  let behind: SliceId[] = [];
  const told = async () => {
    const { lowest, owned } = await region.fleet.look();
    behind = shards.filter((shard) => (lowest.get(shard) ?? Infinity) <= (before.get(shard) ?? 0));
    return behind.length === 0 ? owned : undefined;
  };
  try {
    return await until("hosts to have been told", told, 60_000);
  } catch (error) {
    const one = behind[0]!;
    const claim = (await region.claims()).get(one);
    const epochs = `epoch ${(await region.fleet.look()).lowest.get(one)} as before ${before.get(one)}`;
    throw new Error(
      `${behind.length} of ${shards.length} shards were not told of, as ${one}, ${epochs}, of ${claim?.name} since ${claim?.revision}: ${error}`,
    );
  }
}

/** Small VPCs that this controller does not own. */
async function othersThan(region: Region, all: readonly SmallVpc[], name: string): Promise<readonly SmallVpc[]> {
  const claims = await region.claims();
  const isItsOwn = ({ vpc, network, host }: SmallVpc) =>
    [`vpc/${vpc}`, `network/${network}`, `host/${host}`].some((shard) => claims.get(shard)?.name === name);
  return all.filter((vpc) => !isItsOwn(vpc));
}

let made = 0;

/** Creates ports in small VPCs, each until it is realised at its host. */
class Creator {
  readonly #region: Region;
  readonly #vpcs: readonly SmallVpc[];

  constructor(region: Region, vpcs: readonly SmallVpc[]) {
    this.#region = region;
    this.#vpcs = vpcs;
  }

  /** Milliseconds of each. */
  async some(count: number): Promise<number[]> {
    const { client } = this.#region;
    const times: number[] = [];
    for (let n = 0; n < count && this.#vpcs.length > 0; n++) {
      const { network, host } = this.#vpcs[n % this.#vpcs.length]!;
      const start = performance.now();
      const { id } = await client.create("ports", { name: `c-${made++}`, network_id: network, host_id: host });
      const { status } = await client.wait("ports", id, 20);
      if (status.state !== "realised") throw new Error(`A port is ${status.state} after 20 s: ${status.reason}`);
      times.push(performance.now() - start);
    }
    return times;
  }
}
