import { setTimeout as delay } from "node:timers/promises";
import { inNamespace, run } from "@onehop/lab";
import { CPU } from "../../figures/processors.ts";
import { serve, toolPath } from "../../tools.ts";
import type { LearnFigure } from "../figure.ts";
import type { Findings } from "../result.ts";
import { Capture } from "./capture.ts";
import { Ghosts } from "./ghosts.ts";
import { talk } from "./pairs.ts";
import { read } from "./wire.ts";
import { inWorld, type PlainWorld } from "./world.ts";

const MESSAGES = "udp dst port 4797";
const PORT = "5320";
/** Datagrams a second to an address that nobody answers for, and to one that is known. */
const RATE = 1000;
const PACE_S = 2;
/** At most so many questions: one in 10 ms, one a second; and the one that the interval begins with. */
const MOST_BY_HUB = PACE_S * 100 + 1;
const MOST_DIRECT = PACE_S + 1;

export const silence: LearnFigure = {
  name: "silence",
  measure: ({ quick, progress }) =>
    inWorld(16, progress, async (world) => {
      const seconds = quick ? 10 : 60;
      progress(`Silence, for ${seconds} s`);
      return measureSilence(world, await Ghosts.of(world), seconds);
    }),
};

export async function measureSilence(world: PlainWorld, ghosts: Ghosts, seconds: number): Promise<Findings> {
  await talk(world, { rounds: 1, count: 4 });
  const entries = [...world.kernel("h1").maps.learned.keys()].length;
  const capture = await Capture.start(world.lab.fabric.namespace, "any", MESSAGES);
  await delay(seconds * 1000);
  const idle = (await capture.end()).length;
  const pace = await questionsAskedWhileBusy(world, ghosts);
  return {
    idle_messages: idle,
    promises: { Q31: entries > 0 && idle === 0 && pace.by_hub <= MOST_BY_HUB && pace.direct <= MOST_DIRECT },
    details: { seconds, entries, questions: { seconds: PACE_S, datagrams_a_second: RATE, ...pace } },
  };
}

/** Of one address each, at a rate that would allow one for each packet. */
async function questionsAskedWhileBusy(
  world: PlainWorld,
  ghosts: Ghosts,
): Promise<{ readonly by_hub: number; readonly direct: number }> {
  const [ghost] = await ghosts.add(1);
  const known = world.addresses(2)[0]!;
  const tool = await toolPath("udp");
  const server = await serve(world.guest(2).namespace, [tool, "receive", CPU.receiver, known, PORT]);
  const capture = await Capture.start(world.lab.host("h1").namespace, "up0", MESSAGES);
  const paced = (address: string): Promise<string> => {
    const argv = [tool, "send", CPU.sender, address, PORT, "64", String(PACE_S), String(RATE)];
    return run(inNamespace(world.guest(1).namespace, argv));
  };
  await paced(ghost!);
  await paced(known);
  const own = world.tunnel("h1");
  const asked = (await capture.end()).map(read).filter((s) => s.kind === "message" && s.from === own);
  await server.kill();
  const about = (address: string): number =>
    asked.filter((s) => s.kind === "message" && s.message?.kind === "ask" && s.message.address === address).length;
  return { by_hub: about(ghost!), direct: about(known) };
}
