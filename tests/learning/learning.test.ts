import { fileURLToPath } from "node:url";
import type { DropList } from "@onehop/core";
import { run, until } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressOf, LearningLab } from "./lab.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
let it: LearningLab;
beforeAll(async () => {
  await run([`${ROOT}/tools/setup.sh`]);
  it = await LearningLab.up();
});
afterAll(() => it?.lab.close());

const talk = (from: number, to: number, count = 5) =>
  ping({ namespace: it.guest(from).namespace, to: addressOf(to), count, intervalMs: 5 });

describe("a VPC that learns", () => {
  test("Q4 Q19: a host has entries for its own port and network only, before its guests talk", async () => {
    expect((await it.learned()).items).toEqual([]);
    for (const host of ["h1", "h2", "h3"]) expect((await it.datapath(host)).tables.destinations).toBe(2);
    const { way, hub } = await it.way(1, addressOf(2));
    expect([way, ["h4", "h5"].includes(hub!.name)]).toEqual(["hub", true]);
    const said = await it.onehop("why", "g1", "g2", "--project", "learn");
    expect(said).toBe(
      `hub. Nothing was learned: no packet went there lately, or no answer has come yet. Packets go by hub ${hub!.name}.\n`,
    );
    expect(await it.onehop("learned")).toMatch(
      /^Nothing was learned\.\nVPC v: no routed packet went to another host yet/,
    );
  });

  test("Q29 Q30 D11: the first packet of a pair is delivered by a hub, and from the second on it goes straight, both ways", async () => {
    expect(await talk(1, 2)).toMatchObject({ sent: 5, received: 5 });
    expect(await it.ways()).toMatchObject({ direct: 8, by_hub: 2 });
    expect(await it.way(1, addressOf(2))).toMatchObject({ way: "direct", host: { name: "h2" } });
    expect(await it.way(2, addressOf(1))).toMatchObject({ way: "direct", host: { name: "h1" } });
  });

  test("Q5: entries are the pairs in use, and a host whose guests talk to nobody has none", async () => {
    expect(await it.entriesOf("h1")).toEqual([`${addressOf(2)} at h2`]);
    expect(await it.entriesOf("h2")).toEqual([`${addressOf(1)} at h1`]);
    expect(await it.entriesOf("h3")).toEqual([]);
  });

  test("D11: how many packets of a VPC took one hop, and how full its room is, is said by the commands", async () => {
    const show = (...words: string[]) => it.onehop("vpc", "show", "v", "--project", "learn", ...words);
    expect(await show()).toContain("One hop: 80.00 % of 10 routed packets went straight.");
    expect(JSON.parse(await show("-o", "json"))).toMatchObject({ one_hop: { direct: 8, by_hub: 2, ratio: 0.8 } });
    expect(await it.onehop("why", "g1", "g2", "--project", "learn")).toMatch(
      /^direct to h2 for \d+\.\ds, .*Host h2 said so\./,
    );
    expect(await it.onehop("learned")).toContain(
      "VPC v: 80.00 % of 10 routed packets went straight; of addresses 2 are learned, 0 aged, 0 were evicted, 0 found no room",
    );
    expect(Object.values((await it.datapath("h1")).learned)).toEqual([{ entries: 1, aged: 0, evicted: 0, refused: 0 }]);
  });

  test("what was learned is confirmed by the controllers in the background, and nobody is barred", async () => {
    await it.confirmed();
    expect((await it.learned()).silent).toEqual([]);
  });

  test("Q14: what goes to an address that nobody has, dropped by a hub, is in its tenant's own drops", async () => {
    const { port_id } = it.guest(1);
    const [project] = await it.lab.client.list("projects");
    const to = "10.0.2.99";
    const sent = await ping({ namespace: it.guest(1).namespace, to, count: 3, intervalMs: 5 });
    expect(sent).toMatchObject({ received: 0 });
    const { body } = await it.lab.client.request("GET", `/v1/drops?project_id=${project!.id}`);
    const { items } = body as DropList;
    expect(items).toMatchObject([
      { port: { id: port_id }, host: { name: "h1" }, reason: "unknown_destination", packets: 3 },
    ]);
    expect(items[0]!.example).toContain(`${addressOf(1)} > ${to} icmp`);
  });

  test("Q31: a VPC whose guests are silent sends no message at all", async () => {
    const before = await it.messages();
    const end = performance.now() + 2000;
    await until("two seconds to go by", async () => performance.now() > end || undefined);
    expect(await it.messages()).toBe(before);
  });

  test("a hub cut off costs direct flows nothing, and new pairs go by the other one", async () => {
    await it.uplinks("h4", "down");
    try {
      const [direct, fresh] = await Promise.all([talk(1, 2, 100), talk(1, 3, 100)]);
      expect(direct).toMatchObject({ sent: 100, received: 100 });
      expect(fresh.received).toBeGreaterThan(30);
      expect(await it.way(1, addressOf(3))).toMatchObject({ way: "direct", host: { name: "h3" } });
    } finally {
      await it.uplinks("h4", "up");
    }
  });

  test("a guest that moved is reached at once by its former host, and straight by its new one soon after", async () => {
    expect(await talk(1, 2)).toMatchObject({ received: 5 });
    await it.move(2, "h3");
    expect(await talk(1, 2, 20)).toMatchObject({ sent: 20, received: 20 });
    await until("the new host to be learned", async () => {
      await talk(1, 2);
      return (await it.entriesOf("h1")).includes(`${addressOf(2)} at h3`) || undefined;
    });
    await it.move(2, "h2");
    await until("the former host to be learned again", async () => {
      await talk(1, 2);
      return (await it.entriesOf("h1")).includes(`${addressOf(2)} at h2`) || undefined;
    });
    expect((await it.learned()).items.every((i) => !i.silent)).toBe(true);
  });

  test("packets to a host that does not answer go by the hub, and straight again when it is back", async () => {
    expect(await talk(1, 3)).toMatchObject({ received: 5 });
    await it.uplinks("h3", "down");
    await until("the silence to be seen", async () => {
      await talk(1, 3);
      return (await it.way(1, addressOf(3))).way === "hub" || undefined;
    });
    await it.uplinks("h3", "up");
    await until("packets to go straight again", async () => {
      const { received } = await talk(1, 3);
      return (received > 0 && (await it.way(1, addressOf(3))).way === "direct") || undefined;
    });
  });

  test("a VPC's key is rotated while guests talk, and no question or answer is refused for it", async () => {
    const { client } = it.lab;
    const rotate = async () => (await client.request("POST", `/v1/vpcs/${it.guest(1).vpc_id}/rotate-key`)).body;
    const traffic = talk(1, 2, 100);
    expect(await rotate()).toEqual({ version: 2 });
    await it.lab.realised();
    expect(await rotate()).toEqual({ version: 3 });
    await it.lab.realised();
    expect(await traffic).toMatchObject({ sent: 100, received: 100 });
    for (const host of ["h1", "h2"]) {
      const { messages } = await it.datapath(host);
      expect([messages.key_version, messages.tag]).toEqual([0, 0]);
      expect(messages.renewed).toBeGreaterThan(0);
    }
  });

  test("D10: with the controller dead and agents started anew, new pairs still learn", async () => {
    const { lab } = it;
    await lab.controller?.kill();
    for (const host of ["h2", "h3", "h4"]) {
      await lab.agents.get(host)?.kill();
      await lab.startAgent(host);
    }
    expect(await talk(2, 3)).toMatchObject({ sent: 5, received: 5 });
    await lab.startController();
    await lab.realised();
    const way = await until("the host to answer questions again", () => it.way(2, addressOf(3)).catch(() => undefined));
    expect(way).toMatchObject({ way: "direct", host: { name: "h3" } });
  });
});
