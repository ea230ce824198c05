/** What hosts learned is mended by packets, when an address is elsewhere: after a death, and when another port gets it. */
import { fileURLToPath } from "node:url";
import { run, until } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { keys, openStore } from "@onehop/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addressOf, LearningLab } from "./lab.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
let it: LearningLab;
beforeAll(async () => {
  await run([`${ROOT}/tools/setup.sh`]);
  it = await LearningLab.up(6);
});
afterAll(() => it?.lab.close());

const talk = (from: number, to: number, count = 5) =>
  ping({ namespace: it.guest(from).namespace, to: addressOf(to), count, intervalMs: 5 });

/** Guests on these hosts talk to an address until all their hosts have it there. */
const learnedAt = (place: string, hosts: readonly string[], froms: readonly number[], to: number) =>
  until(`${addressOf(to)} to be learned at ${place}`, async () => {
    for (const from of froms) await talk(from, to);
    const entries = await Promise.all(hosts.map((host) => it.entriesOf(host)));
    return entries.every((of) => of.includes(`${addressOf(to)} at ${place}`)) || undefined;
  });

/** From now on nothing is lost, and all goes straight; but for what a busy machine's late answer to a probe sends by a hub. */
async function expectWell(froms: readonly number[], to: number, host: string): Promise<void> {
  for (const from of froms) {
    const before = await it.ways();
    expect(await talk(from, to, 100)).toMatchObject({ sent: 100, received: 100 });
    const after = await it.ways();
    expect(after.by_hub - before.by_hub).toBeLessThan((after.direct - before.direct) / 10);
    const way = await until("the way to be straight", async () => {
      const now = await it.way(from, addressOf(to));
      return now.way === "hub" ? undefined : now;
    });
    expect(way).toMatchObject({ way: "direct", host: { name: host } });
  }
}

test("an address that another port gets, on another host, is mended where the former port's was learned", async () => {
  await learnedAt("h2", ["h1", "h3"], [1, 3], 2);
  const far = async () => (await it.learned()).items.filter((i) => i.address === addressOf(2));
  const confirmed = async () => (await far()).every((i) => i.confirmed) || undefined;
  // What controllers were not asked about yet would be found stale before a packet finds it.
  await until("it to be confirmed", confirmed);
  const { port_id, network_id } = it.guest(2);
  await it.lab.client.delete("ports", port_id);
  // Nobody talks meanwhile: the entries are stale, and stay. The rest is over.
  const store = openStore(it.lab.storeUrl);
  await store.txn({ compare: [], then: [{ delete: keys.restingAddress(network_id, addressOf(2)) }] });
  await store.close();
  for (const host of ["h1", "h3"]) expect(await it.entriesOf(host)).toContain(`${addressOf(2)} at h2`);
  await it.succeed(2, "h4");
  expect(it.guest(2).port_id).not.toBe(port_id);
  await learnedAt("h4", ["h1", "h3"], [1, 3], 2);
  await expectWell([1, 3], 2, "h4");
  expect((await far()).map((i) => i.port.id)).toEqual([it.guest(2).port_id, it.guest(2).port_id]);
  await until("it to be confirmed", confirmed);
  expect((await it.learned()).barred).toEqual([]);
});

test("D10: after a host's death, with its port bound to another host, all that had learned it go straight to the new one, and nothing more is lost", async () => {
  await learnedAt("h3", ["h1", "h4"], [1, 2], 3);
  await Promise.all([it.uplinks("h3", "down"), it.lab.agents.get("h3")!.kill()]);
  // Else the lab would complain.
  it.lab.agents.delete("h3");
  await it.move(3, "h2");
  await learnedAt("h2", ["h1", "h4"], [1, 2], 3);
  await expectWell([1, 2], 3, "h2");

  // Back from the dead, it says of nothing that is not its own any more that it is.
  await it.uplinks("h3", "up");
  await it.lab.startAgent("h3");
  await until("h3 to be told that it has no port", async () => {
    const told = await it.datapath("h3").catch(() => undefined);
    return told?.tables.endpoints === 0 || undefined;
  });
  await expectWell([1, 2], 3, "h2");
});
