import fc from "fast-check";
import { expect, it } from "vitest";
import { IntentView } from "../src/intent_view.ts";
import { keys } from "../src/keys.ts";
import { MemoryStore } from "../src/memory/memory_store.ts";
import type { Op, WatchBatch } from "../src/store.ts";

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

const port = (id: number, drawn: { network: number; host?: number | undefined }) => ({
  id: uuid(id),
  name: `p${id}`,
  labels: {},
  created_at: "2026-01-02T03:04:05Z",
  updated_at: "2026-01-02T03:04:05Z",
  network_id: uuid(100 + drawn.network),
  vpc_id: uuid(200),
  project_id: uuid(201),
  addresses: ["10.0.1.5"],
  mac: "0a:00:00:00:00:01",
  allowed_addresses: [],
  binding_revision: 0,
  ...(drawn.host !== undefined && { host_id: uuid(300 + drawn.host) }),
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ id: fc.nat(5), network: fc.nat(2), host: fc.option(fc.nat(2), { nil: undefined }) }),
  },
  { weight: 2, arbitrary: fc.record({ gone: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ spoilt: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.constant("compact" as const) },
  { weight: 1, arbitrary: fc.constant("hold" as const) },
  { weight: 1, arbitrary: fc.constant("look" as const) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A store whose watches can be held back, so that the history is gone when they go on. */
class HeldStore extends MemoryStore {
  #open = () => {};
  #gate = Promise.resolve();

  hold(): void {
    this.release();
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }
  release(): void {
    this.#open();
  }
  override async *watch(prefix: string, after: number, signal: AbortSignal): AsyncIterable<WatchBatch> {
    const inner = super.watch(prefix, after, signal)[Symbol.asyncIterator]();
    for (let next = await inner.next(); !next.done; next = await inner.next()) {
      yield next.value;
      await this.#gate;
    }
  }
}

function opOf(drawn: Exclude<Step, string>): Op {
  if ("gone" in drawn) return { delete: keys.object("ports", uuid(drawn.gone)) };
  if ("spoilt" in drawn) return { put: keys.object("ports", uuid(drawn.spoilt)), value: "{}" };
  return { put: keys.object("ports", uuid(drawn.id)), value: JSON.stringify(port(drawn.id, drawn)) };
}

/** Everything a reader can see of the view, in an order that does not depend on the way there. */
function visible(view: IntentView) {
  const groups = (index: IntentView["portsByHost"]) =>
    [...index.groups()].sort().map((g) => [g, [...index.of(g).values()].sort((a, b) => (a.id < b.id ? -1 : 1))]);
  return {
    revision: view.revision,
    ports: [...view.ports].sort(([a], [b]) => (a < b ? -1 : 1)),
    broken: [...view.broken.keys()].sort(),
    byNetwork: groups(view.portsByNetwork),
    byHost: groups(view.portsByHost),
  };
}

it("a view that followed any changes equals one that was loaded afterwards, and its changes add up to it", async () => {
  const run = async (steps: Step[]) => {
    const store = new HeldStore();
    const end = new AbortController();
    const view = await IntentView.open({ store, signal: end.signal });
    const added = new Map<string, object>();
    view.onChange((changes) => {
      for (const { id, before, after } of changes) {
        expect(added.get(id)).toEqual(before);
        if (after) added.set(id, after);
        else added.delete(id);
      }
    });
    let revision = (await store.range({ prefix: "/" })).revision;
    for (const one of steps) {
      if (one === "look") {
        store.release();
        await view.waitFor(revision);
      } else if (one === "hold") store.hold();
      else if (one === "compact") await store.compact(revision);
      else revision = (await store.txn({ compare: [], then: [opOf(one)] })).revision;
    }
    store.release();
    await view.waitFor(revision);
    expect(visible(view)).toEqual(visible(await IntentView.open({ store, signal: end.signal })));
    expect(added).toEqual(new Map(view.ports));
    end.abort();
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), run), { numRuns: 300 });
});
