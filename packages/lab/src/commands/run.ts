import { readFile } from "node:fs/promises";
import { demonstrate, writeResult } from "../demo/demo.ts";
import { messageOf, resultOf } from "../demo/result.ts";
import { table } from "../demo/table.ts";
import { detach, isDetached, tellStarter } from "../detached.ts";
import { guide } from "../guide.ts";
import { Lab } from "../lab.ts";
import { progressLines } from "../progress.ts";

export interface UpOptions {
  readonly hosts: number;
  readonly hubs: number;
  readonly uplinks: number;
  readonly mtu: number;
  readonly file?: string;
  readonly detach?: boolean;
}

export interface DemoFlags extends Omit<UpOptions, "hosts" | "hubs" | "detach"> {
  readonly hosts?: number;
  readonly hubs?: number;
  readonly once?: boolean;
  readonly json?: string;
}

/** That examples/two-tenants.yaml names. */
const GUEST_HOSTS = 3;

function toStderr(text: string): void {
  if (isDetached) tellStarter({ text });
  else process.stderr.write(text);
}
const progress = () => progressLines(toStderr, () => performance.now());

/** Aborted by Ctrl-C and the like, however often, and when whoever started us is gone. */
function leaving(): AbortSignal {
  const controller = new AbortController();
  // Ctrl-C also ends the `tee` that reads us: cleaning up goes on without a reader.
  for (const stream of [process.stdout, process.stderr])
    stream.removeAllListeners("error").on("error", () => undefined);
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => controller.abort());
  const parent = process.ppid;
  if (!isDetached) setInterval(() => process.ppid === parent || controller.abort(), 500).unref();
  return controller.signal;
}

const left = (signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    // An aborted signal keeps no process alive; the timer does.
    const timer = setInterval(() => undefined, 60_000);
    const end = (): void => {
      clearInterval(timer);
      done();
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });

/** Builds a lab and keeps it until the user leaves. */
export async function up(options: UpOptions): Promise<void> {
  if (options.detach) return detach(process.argv.slice(2), toStderr);
  const signal = leaving();
  const tell = progress();
  const lab = await Lab.up({ ...options, progress: tell });
  try {
    lab.takeDefaultSocket();
    if (options.file) {
      tell(`Applying ${options.file}`);
      await lab.apply(await readFile(options.file, "utf8"));
      await lab.realised();
    }
    toStderr(guide(lab));
    tellStarter({ up: true });
    await left(signal);
  } finally {
    tell("Cleaning up");
    await lab.close();
  }
}

/** Three hosts for guests, and two hubs, so that VPCs learn; fewer hosts than these five have no hubs among them. */
export function demoShape({ hosts, hubs }: Pick<DemoFlags, "hosts" | "hubs">): Pick<UpOptions, "hosts" | "hubs"> {
  const wanted = hubs ?? (hosts === undefined || hosts >= GUEST_HOSTS + 2 ? 2 : 0);
  return { hosts: hosts ?? GUEST_HOSTS + wanted, hubs: wanted };
}

/** Builds a lab, proves and measures it, shows the result, and keeps it unless `once`. */
export async function demo(options: DemoFlags): Promise<void> {
  const signal = leaving();
  const tell = progress();
  // Who is killed leaves this, and no earlier run's result; and a file that cannot be written is told at once.
  await writeResult(options.json, resultOf([], undefined, ["the run did not come to its end"]));
  const lab = await Lab.up({ ...options, ...demoShape(options), progress: tell }).catch(async (error: unknown) => {
    await writeResult(options.json, resultOf([], undefined, [messageOf(error)]));
    throw error;
  });
  try {
    const result = await demonstrate(lab, { ...options, progress: tell, signal });
    if (!result.ok) process.exitCode = 1;
    if (signal.aborted) return;
    process.stdout.write(`\n${table(result)}\n`);
    if (options.once) return;
    lab.takeDefaultSocket();
    toStderr(guide(lab));
    await left(signal);
  } finally {
    tell("Cleaning up");
    await lab.close();
  }
}
