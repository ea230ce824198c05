/**
 * The fault run with its control, one after the other: npm run faults -- [--rounds N] [--json FILE]
 * `promises` judges the times as well: each change within 5 s of the restart.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type KillsResult, runKills } from "./kills.ts";

const REALISED_WITHIN_MS = 5_000;

const { values } = parseArgs({ options: { rounds: { type: "string", default: "20" }, json: { type: "string" } } });
const progress = (text: string): void => console.error(text);

async function main(): Promise<void> {
  const rounds = Number(values.rounds);
  const control = await runKills({ rounds, victims: "none", progress });
  const kills = await runKills({ rounds, victims: "agents and controller", progress });
  const ok = lostNothing(control) && lostNothing(kills) && Math.max(...kills.realised_ms) <= REALISED_WITHIN_MS;
  const text = JSON.stringify({ control, kills, promises: { Q20: ok } }, undefined, 2);
  if (values.json) writeFileSync(values.json, `${text}\n`);
  console.log(text);
  process.exitCode = ok ? 0 : 1;
}

const lostNothing = ({ lost_at_programs, dropped, probe }: KillsResult): boolean =>
  lost_at_programs === 0 && dropped === 0 && probe.answered === probe.sent && probe.read === probe.written;

await main();
