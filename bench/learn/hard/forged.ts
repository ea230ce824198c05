import { packet } from "@onehop/core";
import { Learn } from "@onehop/datapath";
import { inNamespace, until } from "@onehop/lab";
import { Sniffer } from "@onehop/lab/capture/sniffer";
import { Child } from "@onehop/lab/system/child";
import { ping } from "@onehop/lab/traffic/ping";
import { saysReady, toolPath } from "../../tools.ts";
import type { LearnContext, LearnFigure } from "../figure.ts";
import type { Findings } from "../result.ts";
import { type Forgery, forgeries, type Outcome, type Scene, type Setting } from "./forge.ts";
import { addressOf, HardLab } from "./lab.ts";
import { sendRaw } from "./raw.ts";

export interface Forged {
  readonly tried: number;
  /** What h1 took in, of all that were tried: outcomes of acceptance, and changes of its tables. */
  readonly accepted: number;
  /** Tried and counted by outcome; `none` are those that are no messages. */
  readonly counted: Readonly<Record<string, number>>;
  /** Forgeries that were not counted as they must be; messages of guests that did not arrive. */
  readonly wrong: readonly string[];
}

/** Answers that a host took for true. */
const ACCEPTED: readonly Outcome[] = ["LEARNED", "RENEWED", "MOVED", "REMOVED", "UNKNOWN", "ALIVE", "FULL"];
/** As the map has it: the bytes of the wire, read in this machine's order. */
const NONCE = 77_000;
const SECOND = 1_000_000_000n;

/** Sends so many of each forgery to h1, and what guests may say to the same port to g2. */
export async function forge(hard: HardLab, each: number): Promise<Forged> {
  const scene = await setTheScene(hard);
  const before = tablesOf(hard);
  const counted: Record<string, number> = {};
  const wrong: string[] = [];
  let [tried, accepted] = [0, 0];
  for (const forgery of forgeries(scene)) {
    const grown = await tryOne(hard, scene, forgery, each);
    tried += each;
    accepted += ACCEPTED.reduce((sum, what) => sum + (grown.get(what) ?? 0), 0);
    const as = forgery.counted ?? "none";
    counted[as] = (counted[as] ?? 0) + (forgery.counted ? (grown.get(forgery.counted) ?? 0) : each);
    const expected = forgery.counted ? `${forgery.counted} ${each}` : "";
    const found = [...grown].map(([what, n]) => `${what} ${n}`).join(", ");
    if (found !== expected) wrong.push(`${each} messages ${forgery.name} were counted as ${found || "nothing"}`);
  }
  if (tablesOf(hard) !== before) {
    accepted++;
    wrong.push("h1's tables are not what they were");
  }
  const counters = () => ["h1", "h2"].map((host) => countersOf(hard, host));
  const idle = counters();
  const arrived = await guestsOwn(hard, scene, each);
  const taken = counters().flatMap((now, i) => [...grownBy(idle[i]!, now)].filter(([name]) => isRejection(name)));
  if (taken.length > 0) wrong.push(`a guest's datagrams were taken for messages: ${taken.join(", ")}`);
  if (arrived !== each) wrong.push(`of ${each} datagrams of a guest to the port of messages ${arrived} arrived`);
  return { tried: tried + each, accepted, counted: { ...counted, tenants: arrived }, wrong };
}

/** h1 learns g2's address from h2; the answer is recorded in the router. */
export async function setTheScene(hard: HardLab): Promise<Scene> {
  const g1 = hard.guest("g1");
  const [vpc, address] = [g1.vpc_vni, addressOf(2)];
  const filter = `udp port ${packet.LEARNING_PORT} and src host ${hard.lab.host("h2").tunnelAddress}`;
  const sniffer = await Sniffer.start({ namespace: hard.fabric, device: "any", inward: true, filter });
  let recorded: Uint8Array | undefined;
  hard.maps("h1").learned.delete({ vpc, address });
  try {
    await ping({ namespace: g1.namespace, to: address, count: 3 });
    const isTeach = (bytes: Uint8Array): boolean => packet.decodeMessage(bytes.slice(-128))?.kind === "teach";
    await sniffer.sees(({ bytes }) => {
      if (isTeach(bytes) && packet.decodeMessage(bytes.slice(-128))?.address === address) recorded = bytes.slice(-128);
      return recorded !== undefined;
    });
  } finally {
    await sniffer.end();
  }
  const { confirmed, learned, vpc_keys } = hard.maps("h1");
  await until("what was learned to be confirmed", () => [...learned].every(([key]) => confirmed.get(key)) || undefined);
  const { claim, port } = learned.get({ vpc, address })!;
  const { version, current } = vpc_keys.get({ vpc })!;
  return {
    ...{ vpc, otherVpc: hard.guest("o1").vpc_vni, key: current, keyVersion: version, nonce: onWire(NONCE) },
    tunnel: (host) => hard.lab.host(host).tunnelAddress,
    numberOf: (host) => hard.numberOf(host),
    entry: { address, port, epoch: claim.epoch, revision: BigInt(claim.revision) },
    recorded: recorded!,
  };
}

function onWire(nonce: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(nonce), true);
  return view.getBigUint64(0);
}

/** What h1 counted of them. */
async function tryOne(hard: HardLab, scene: Scene, forgery: Forgery, each: number): Promise<Map<string, number>> {
  const packets = Array.from({ length: each }, (_, n) => forgery.make(n));
  const namespace = forgery.from === "underlay" ? hard.fabric : hard.lab.host(forgery.from).namespace;
  const before = countersOf(hard, "h1");
  const undo = prepare(hard, scene, forgery.setting);
  try {
    await sendRaw(namespace, packets);
    await settled(() => [...countersOf(hard, "h1").values()].reduce((a, b) => a + b, 0));
  } finally {
    undo();
  }
  return grownBy(before, countersOf(hard, "h1"));
}

/** Makes h1 what the forgery is to meet; the answer undoes it. Questions are written as a program would. */
export function prepare(hard: HardLab, scene: Scene, setting: Setting): () => void {
  const { questions, floors, barred } = hard.maps("h1");
  const key = { vpc: scene.vpc, address: scene.entry.address };
  const teacher = { vpc: scene.vpc, host: hard.numberOf("h3") };
  const now = process.hrtime.bigint();
  const first = setting === "asked long ago" ? now - 3n * SECOND : now;
  const asked = hard.numberOf("h2");
  const quote = Array<number>(28).fill(0);
  if (setting === "nothing asked") questions.delete(key);
  else questions.set(key, { nonce: NONCE, first, last: now, asked, straight: 1, slot: 0, quote });
  const { epoch, revision } = scene.entry;
  if (setting === "floor above") floors.set(key, { epoch, revision: Number(revision) + 2, sequence: 0 });
  if (setting === "teacher barred") barred.set(teacher, { since: 1 });
  return () => {
    questions.delete(key);
    if (setting === "floor above") floors.delete(key);
    if (setting === "teacher barred") barred.delete(teacher);
  };
}

/** The same messages as a guest's own datagrams to another guest: they arrive, and no host looks at them. */
async function guestsOwn(hard: HardLab, scene: Scene, each: number): Promise<number> {
  const [g1, g2] = ["g1", "g2"].map((name) => hard.guest(name)) as [Guest, Guest];
  const [src, dst] = [addressOf(1), addressOf(2)];
  const argv = [await toolPath("flow"), "receive", dst, String(packet.LEARNING_PORT), "1000"];
  const receiver = await Child.start({ name: "flow", argv: inNamespace(g2.namespace, argv) });
  let said = "";
  receiver.process.stdout!.on("data", (piece: Buffer) => {
    said += piece.toString();
  });
  const closed = new Promise<void>((done) => receiver.process.once("close", () => done()));
  await saysReady(receiver);
  const ports = packet.udp({ sport: packet.LEARNING_PORT, dport: packet.LEARNING_PORT, checksum: 0 });
  const own = packet.frame(packet.ipv4({ src, dst, df: true }), ports, scene.recorded);
  await sendRaw(g1.namespace, Array<Uint8Array>(each).fill(own));
  await receiver.stop();
  await closed;
  return (JSON.parse(said.trim().split("\n").at(-1)!) as { packets: number }).packets;
}

type Guest = ReturnType<HardLab["guest"]>;

/** Of learning at a host, by outcome. */
export const countersOf = (hard: HardLab, host: string): Map<string, number> =>
  new Map(
    Object.entries(Learn)
      .filter(([name]) => name !== "NONE" && name !== "MAX")
      .map(([name, index]) => [name, hard.maps(host).learning.get(index)!.packets]),
  );

const isRejection = (name: string): boolean => Learn[name as Outcome] >= Learn.MALFORMED;

const grownBy = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Map<string, number> =>
  new Map([...after].map(([k, n]) => [k, n - before.get(k)!] as const).filter(([, n]) => n !== 0));

/** What is on the way arrives within microseconds: two looks that agree are enough. */
const settled = (count: () => number): Promise<unknown> => {
  let last = -1;
  return until("the last packet to be counted", () => {
    const now = count();
    const still = now === last;
    last = now;
    return still || undefined;
  });
};

/** Everything that learning believes at h1, as text. */
function tablesOf(hard: HardLab): string {
  const { learned, confirmed, floors, barred, unknowns, destinations } = hard.maps("h1");
  const tables = { learned, confirmed, floors, barred, unknowns, destinations };
  const rows = Object.entries(tables).map(([name, table]) => [name, [...table].map((row) => text(row)).sort()]);
  return text(rows);
}

const text = (value: unknown): string => JSON.stringify(value, (_, v) => (typeof v === "bigint" ? String(v) : v));

const EACH = 400;

async function measure({ progress, problem }: LearnContext): Promise<Findings> {
  const hard = await HardLab.up(progress);
  try {
    progress(`Forging messages, ${EACH} of each sort`);
    const { tried, accepted, counted, wrong } = await forge(hard, EACH);
    wrong.forEach(problem);
    const Q34 = accepted === 0 && wrong.length === 0;
    return { forged: { tried, accepted }, promises: { Q34 }, details: counted };
  } finally {
    await hard.close();
  }
}

export const forged: LearnFigure = { name: "forged", measure };
