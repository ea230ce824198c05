import { cpuPerPacket } from "../../figures/cpu.ts";
import { type ProgramNs, programNs, withStatistics } from "../../figures/programs.ts";
import type { BenchPath } from "../../paths/path.ts";
import type { Region } from "../region.ts";

export interface Programs {
  readonly programs: ProgramNs;
  /** Of all programs together. */
  readonly program_ns: number;
  /** Undefined: the machine was too busy to tell. */
  readonly cpu_ns: number | undefined;
}

const SECONDS = 1;

/** What a packet between guests of the two real hosts costs now. */
export async function measurePrograms({ lab }: Region, path: BenchPath): Promise<Programs> {
  const programs = await withStatistics(() => programNs(lab, path, SECONDS));
  const cpu_ns = await cpuPerPacket(path, 2 * SECONDS).catch(() => undefined);
  return { programs, program_ns: Object.values(programs).reduce((sum, ns) => sum + ns, 0), cpu_ns };
}
