import { keys } from "@onehop/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseKey } from "../../src/learning/keys.ts";
import { type Served, serve, world } from "./fixture.ts";

let served: Served;
beforeAll(async () => {
  served = await serve();
});
afterAll(() => served.close());

const keyOf = async (id: string) => {
  const entry = await served.store.get(keys.vpcKey(id));
  return entry && parseKey(entry.value);
};

test("A VPC that was deleted and comes back goes on with the next version of its key, and nobody holds the former one.", async () => {
  const { root, store } = served;
  const { project } = await world(root);
  const vpc = await root.create("vpcs", { name: "bare", project_id: project.id, cidrs: ["10.9.0.0/16"] });
  const before = (await keyOf(vpc.id))!;
  expect(before).toMatchObject({ version: 1, stage: "learned" });
  const held = [keys.keyHolder(vpc.id, "h"), keys.keyLingerer(vpc.id, "h")];
  await store.txn({ compare: [], then: held.map((put) => ({ put, value: "1" })) });
  await root.delete("vpcs", vpc.id);
  for (const key of [keys.vpcKey(vpc.id), ...held]) expect(await store.get(key)).toBeUndefined();
  await root.request("POST", `/v1/vpcs/${vpc.id}/rollback`, { to_revision: vpc.revision });
  const after = (await keyOf(vpc.id))!;
  expect(after.version).toBe(2);
  expect(after.current).not.toBe(before.current);
  expect(after.former).toBeUndefined();
});
