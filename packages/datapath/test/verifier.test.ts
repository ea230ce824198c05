import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { programInfo } from "../src/info.ts";
import { loadAlone, OBJECT_DIR, openDatapath, PROGRAM_NAMES, type ProgramName } from "../src/object.ts";

const GOLDEN = new URL("../abi/verifier.txt", import.meta.url);
/** A program may grow by this much before the budget is set anew with UPDATE_GOLDEN=1. */
const TOLERANCE = 1.15;

/** Every setting that changes what the verifier sees. */
const SETTINGS = {
  production: { record: 0 },
  recording: { record: 1 },
  watching: { watch: 1 },
  both: { record: 1, watch: 1 },
  aged: { learned_age: 60 },
} as const;
type Setting = keyof typeof SETTINGS;
const SETTING_NAMES = Object.keys(SETTINGS) as Setting[];

interface Cost {
  /** Instructions that the verifier walked through. */
  readonly verified: number;
  /** Instructions of the program, 8 bytes each. */
  readonly instructions: number;
}

const sizeOf = (fd: number): Cost => {
  const info = programInfo(fd);
  return { verified: info.verified_insns, instructions: info.xlated_prog_len / 8 };
};

function costOf(name: ProgramName | "inject", setting: Setting): Cost {
  if (name === "inject") return costOfInject();
  const config = { tunnel_address: "192.0.2.1", host: 1, ...SETTINGS[setting] };
  const datapath = openDatapath({ objectDir: OBJECT_DIR, config, programs: [name], maxEntries: { destinations: 16 } });
  try {
    return sizeOf(datapath.programs[name]);
  } finally {
    datapath.close();
  }
}

/** What `onehop trace --live` sends a packet with; it has no settings. */
function costOfInject(): Cost {
  const loaded = loadAlone(join(OBJECT_DIR, "inject.bpf.o"), "inject");
  try {
    return sizeOf(loaded.fd);
  } finally {
    loaded.close();
  }
}

const label = (name: string, setting: Setting): string => `${name} ${setting}`;
const CASES: readonly (readonly [ProgramName | "inject", Setting])[] = [
  ...PROGRAM_NAMES.flatMap((name) => SETTING_NAMES.map((setting) => [name, setting] as const)),
  ["inject", "production"],
];

async function readBudget(): Promise<Map<string, Cost>> {
  const lines = (await readFile(GOLDEN, "utf8")).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const [name, setting, verified, instructions] = line.split(/\s+/);
      return [`${name} ${setting}`, { verified: Number(verified), instructions: Number(instructions) }];
    }),
  );
}

async function writeBudget(): Promise<void> {
  const lines = CASES.map(([name, setting]) => {
    const { verified, instructions } = costOf(name, setting);
    return `${name.padEnd(14)} ${setting.padEnd(11)} ${String(verified).padStart(7)} ${String(instructions).padStart(6)}`;
  });
  await writeFile(GOLDEN, `# program, setting, instructions verified, instructions\n${lines.join("\n")}\n`);
}

describe("every program passes the verifier within its budget", () => {
  let budget: Map<string, Cost>;
  beforeAll(async () => {
    if (process.env.UPDATE_GOLDEN === "1") await writeBudget();
    budget = await readBudget();
  });

  it.each(CASES)("%s, %s", (name, setting) => {
    const cost = costOf(name, setting);
    const limit = budget.get(label(name, setting));
    expect(cost.instructions).toBeGreaterThan(0);
    expect(cost.verified).toBeLessThanOrEqual((limit?.verified ?? 0) * TOLERANCE);
    expect(cost.instructions).toBeLessThanOrEqual((limit?.instructions ?? 0) * TOLERANCE);
  });
});
