/**
 * Faults, at counts and times that are judged: npm run faults -- [--json FILE]
 *
 *   [--rounds N]         kills of agents and controllers, after the same changes without kills; Q20: each change is
 *                        realised within 5 s of the restart
 *   --static [--hours N] everything that decides is gone for N hours, 0 by default; Q52 and D2: a host that lost its power
 *                        is back within 10 s by itself, and all is as it should be within 10 s of the store's start
 *   --store [--kills N]  etcd's leader is killed N times, 20 by default, under 50 writes a second: no acknowledged write is
 *                        lost, and the 99th percentile of the gaps is at most 2 s
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { runLeaderKills } from "../store/leader_kills.ts";
import { type KillsResult, runKills } from "./kills.ts";
import { runStatic } from "./static.ts";

const REALISED_WITHIN_MS = 5_000;
const BACK_WITHIN_S = 10;
const GAP_MS = 2_000;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    static: { type: "boolean", default: false },
    hours: { type: "string", default: "0" },
    store: { type: "boolean", default: false },
    kills: { type: "string", default: "20" },
    json: { type: "string" },
  },
});
const progress = (text: string): void => console.error(text);
type Judged = { readonly promises: Readonly<Record<string, boolean>> };

async function kills(): Promise<Judged> {
  const rounds = Number(values.rounds);
  const control = await runKills({ rounds, victims: "none", progress });
  const kills = await runKills({ rounds, victims: "agents and controller", progress });
  const ok = lostNothing(control) && lostNothing(kills) && Math.max(...kills.realised_ms) <= REALISED_WITHIN_MS;
  return { control, kills, promises: { Q20: ok } } as Judged;
}

async function alone(): Promise<Judged> {
  const result = await runStatic({ aloneMs: Number(values.hours) * 3_600_000, progress });
  const { reboot_s, return_s, lost, without_hubs } = result;
  const Q52 = lost === 0 && reboot_s <= BACK_WITHIN_S && return_s <= BACK_WITHIN_S;
  return { ...result, promises: { Q52, D2: lost === 0 && without_hubs.received === without_hubs.sent } } as Judged;
}

async function leaders(): Promise<Judged> {
  const store_kill = await runLeaderKills(Number(values.kills), progress);
  return { store_kill, promises: { store_kill: store_kill.lost === 0 && store_kill.gap_ms.p99 <= GAP_MS } } as Judged;
}

async function main(): Promise<void> {
  const judged = await (values.store ? leaders() : values.static ? alone() : kills());
  const text = JSON.stringify(judged, undefined, 2);
  if (values.json) writeFileSync(values.json, `${text}\n`);
  console.log(text);
  process.exitCode = Object.values(judged.promises).every(Boolean) ? 0 : 1;
}

const lostNothing = ({ lost_at_programs, dropped, probe }: KillsResult): boolean =>
  lost_at_programs === 0 && dropped === 0 && probe.answered === probe.sent && probe.read === probe.written;

await main();
