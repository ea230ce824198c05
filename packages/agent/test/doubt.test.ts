import type { FromAgent, HostPlan, Link, LinkEvents, Report } from "@onehop/core";
import { sliceFrame } from "@onehop/core/plan/wire";
import { ManualClock } from "@onehop/store";
import { pino } from "pino";
import { expect, it } from "vitest";
import { Agent } from "../src/agent.ts";
import { FakeKernel } from "../src/kernel/fake.ts";
import { hashes } from "../src/sync/hash.ts";
import { planOf } from "./world.ts";

/** A controller's end of the stream that an agent dials. */
class Controller implements Link {
  readonly reports: Report[] = [];
  open = false;
  #on: LinkEvents | undefined;

  listen(on: LinkEvents): void {
    this.#on = on;
  }
  begin(): void {
    this.open = true;
    this.#on?.opened?.();
  }
  give(plan: HostPlan): void {
    for (const [id, body] of plan)
      this.#on?.frame(sliceFrame({ id, epoch: 1, generation: 1, hash: hashes.of(body).hash }, body));
  }
  die(): void {
    this.open = false;
    this.#on?.closed(1006);
  }
  send(frame: string | Uint8Array): void {
    const message = JSON.parse(String(frame)) as FromAgent;
    if (message.type === "report") this.reports.push(message);
  }
  ping(): void {
    this.#on?.pong?.();
  }
  pong(): void {}
  close(): void {}
  terminate(): void {}
}

it("An agent calls its tables whole for six seconds after a controller that vouched for them died, and then no more", async () => {
  const clock = new ManualClock();
  const kernel = new FakeKernel();
  kernel.addDevice("up0");
  const [dying, living] = [new Controller(), new Controller()];
  const links = new Map<string, Controller>([
    ["unix:/dying", dying],
    ["unix:/living", living],
  ]);
  const stopping = new AbortController();
  const nothing = async () => undefined;
  const agent = new Agent({
    ...{ host: "h1", controllers: [...links.keys()], uplinks: ["up0"], limits: {}, kernel, clock },
    ...{ wall: () => 0, random: () => 0.5, logger: pino({ level: "silent" }) },
    book: { load: async () => [], save: nothing },
    snapshot: { load: async () => [], save: nothing, forget: nothing },
    dial: (address) => links.get(address) ?? new Controller(),
  });
  const running = agent.run(stopping.signal);
  await clock.advance(10);
  for (const controller of links.values()) controller.begin();
  dying.give(planOf(1, [{ name: "a1", host: 1 }]));
  await clock.advance(100);
  expect(living.reports.at(-1)).toMatchObject({ whole: true });

  const told = async (): Promise<Report | undefined> => {
    living.reports.length = 0;
    kernel.addDevice(`tap${clock.now()}`, "tap");
    await clock.advance(100);
    return living.reports.at(-1);
  };
  links.clear();
  dying.die();
  expect(await told()).toMatchObject({ whole: true });
  await clock.advance(5500);
  expect(await told()).toMatchObject({ whole: true });
  await clock.advance(500);
  expect((await told())?.whole).toBeUndefined();
  stopping.abort();
  await running;
});
