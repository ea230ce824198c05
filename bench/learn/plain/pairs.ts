import { inNamespace, run } from "@onehop/lab";
import { CPU } from "../../figures/processors.ts";
import { serve, toolPath } from "../../tools.ts";
import { Capture, OVERLAY } from "./capture.ts";
import { type Message, type Relay, read } from "./wire.ts";
import type { PlainWorld } from "./world.ts";

const PORT = "5310";

/** What one run of bench/tools/pairs.c prints; times in microseconds, 0 where there was no answer. */
export interface Round {
  readonly pairs: number;
  readonly sent: number;
  readonly lost: number;
  readonly first_lost: number;
  readonly first_us: readonly number[];
  readonly last_us: readonly number[];
}

/** What passed the uplinks of h1 and h2, each at its own host. */
export interface Seen {
  readonly rounds: readonly Round[];
  readonly h1: readonly (Relay | Message)[];
  readonly h2: readonly (Relay | Message)[];
}

export interface PairsOptions {
  /** Each address of h1 talks to another one of h2 in each round. */
  readonly rounds: number;
  /** Datagrams of each pair. */
  readonly count: number;
  /** Before each round; by default nothing that was learned is left. */
  readonly before?: () => void;
}

/** Rounds of conversations between h1 and h2 with the wire listened to at both. */
export async function talk(world: PlainWorld, options: PairsOptions): Promise<Seen> {
  const tool = await toolPath("pairs");
  const { namespace } = world.guest(2);
  const server = await serve(namespace, [tool, "answer", CPU.receiver, PORT, ...world.specs(2)]);
  const captures = await Promise.all(
    ["h1", "h2"].map((host) => Capture.start(world.lab.host(host).namespace, "up0", OVERLAY)),
  );
  const rounds: Round[] = [];
  try {
    for (let n = 0; n < options.rounds; n++) {
      (options.before ?? (() => world.forget()))();
      const amount = [String(n), String(options.count)];
      const argv = [tool, "ask", CPU.sender, PORT, ...amount, ...world.specs(1), "--", ...world.addresses(2)];
      rounds.push(JSON.parse(await run(inNamespace(world.guest(1).namespace, argv))) as Round);
    }
  } finally {
    await server.kill();
  }
  const [h1, h2] = await Promise.all(captures.map(async (capture) => (await capture.end()).map(read)));
  return { rounds, h1: h1!, h2: h2! };
}
