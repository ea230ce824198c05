import type { FromAgent, Held, Link, LinkEvents, SliceId } from "@onehop/core";
import { beforeEach, describe, expect, it } from "vitest";
import { Streams } from "./streams.ts";
import { Switchboard } from "./switchboard.ts";

/** Links that the test opens and closes. */
class FakeLink implements Link {
  open = false;
  readonly sent: string[] = [];
  on: LinkEvents | undefined;
  send(frame: string | Uint8Array): void {
    this.sent.push(String(frame));
  }
  ping(): void {}
  pong(): void {}
  close(): void {
    this.terminate();
  }
  terminate(): void {
    if (!this.on) return;
    this.open = false;
    this.on.closed(1006);
  }
  listen(on: LinkEvents): void {
    this.on = on;
  }
  begin(): void {
    this.open = true;
    this.on?.opened?.();
  }
}

let dialled: Map<string, FakeLink>;
let saved: readonly string[];
let stopping: AbortController;
function streams(controllers: string[], noted: string[] = []): Streams {
  const made = new Streams({
    host: "h1",
    controllers,
    clock: { now: () => 0, after: () => () => undefined },
    random: () => 0.5,
    dial: (address) => {
      const link = new FakeLink();
      dialled.set(address, link);
      return link;
    },
    book: {
      load: async () => noted,
      save: async (addresses) => {
        saved = addresses;
      },
    },
    have: () => [],
    onFrame: () => undefined,
    onOpen: () => undefined,
    onClosed: () => undefined,
    onProblem: () => undefined,
    onError: () => undefined,
  });
  void made.run(stopping.signal);
  return made;
}
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
const members = (...addresses: string[]) => ({
  type: "members" as const,
  self: "c1",
  members: addresses.map((address, n) => ({ name: `c${n + 1}`, address })),
});

beforeEach(() => {
  dialled = new Map();
  saved = [];
  stopping = new AbortController();
});

describe("streams", () => {
  it("say all that is applied at first, then what is new, and all again on a stream that begins anew", async () => {
    const all = streams(["tcp:127.0.0.1:1"]);
    await settled();
    const link = dialled.get("tcp:127.0.0.1:1")!;
    link.begin();
    const held = (id: SliceId, hash: string) => ({ id, epoch: 1, generation: 1, hash });
    const report = (...applied: Held[]) => ({ type: "report" as const, applied, degraded: [] });
    const said = () => JSON.parse(link.sent.at(-1)!);
    all.send(report(held("vpc/a", "1"), held("network/b", "1")));
    expect(said()).toEqual(report(held("vpc/a", "1"), held("network/b", "1")));
    all.send(report(held("vpc/a", "2"), held("network/b", "1")));
    expect(said()).toEqual({ ...report(held("vpc/a", "2")), gone: [] });
    all.send(report({ ...held("vpc/a", "2"), epoch: 2 }));
    expect(said()).toEqual({ ...report({ ...held("vpc/a", "2"), epoch: 2 }), gone: ["network/b"] });
    link.begin();
    all.send(report(held("vpc/a", "2")));
    expect(said()).toEqual(report(held("vpc/a", "2")));
  });

  it("lead to all controllers that one tells of, and are remembered", async () => {
    const all = streams(["tcp:127.0.0.1:1"]);
    await settled();
    dialled.get("tcp:127.0.0.1:1")!.begin();
    all.learn(members("tcp:127.0.0.1:1", "tcp:127.0.0.1:2"), all.open[0]!);
    expect([...dialled.keys()]).toEqual(["tcp:127.0.0.1:1", "tcp:127.0.0.1:2"]);
    expect(saved).toEqual(["tcp:127.0.0.1:1", "tcp:127.0.0.1:2"]);
    all.learn(members("tcp:127.0.0.1:1"), all.open[0]!);
    expect(saved).toEqual(["tcp:127.0.0.1:1"]);
    stopping.abort();
  });

  it("are opened to those that were told of before the agent was started", async () => {
    streams(["tcp:127.0.0.1:1"], ["tcp:127.0.0.1:9"]);
    await settled();
    expect([...dialled.keys()]).toEqual(["tcp:127.0.0.1:1", "tcp:127.0.0.1:9"]);
    stopping.abort();
  });

  it("are never opened by a weaker way than was asked for, nor to what is no address", async () => {
    const all = streams(["tls:c1.example:1"], ["tcp:127.0.0.1:9"]);
    await settled();
    dialled.get("tls:c1.example:1")!.begin();
    all.learn(members("tcp:10.0.0.1:1", "unix:/run/x.sock", "; reboot", "tls:c2.example:1"), all.open[0]!);
    expect([...dialled.keys()]).toEqual(["tls:c1.example:1", "tls:c2.example:1"]);
    stopping.abort();
  });
});

describe("questions of several controllers", () => {
  const asker = () => {
    const got: FromAgent[] = [];
    return { got, send: (message: FromAgent) => void got.push(message) };
  };

  it("that have the same number are answered each to who asked", () => {
    const [a, b] = [asker(), asker()];
    const board = new Switchboard<ReturnType<typeof asker>>();
    const first = board.take({ type: "query", id: 1, what: "host" }, a)!;
    const second = board.take({ type: "query", id: 1, what: "host" }, b)!;
    board.answer({ type: "answer", id: second.id, result: "b" });
    board.answer({ type: "answer", id: first.id, result: "a" });
    board.answer({ type: "answer", id: first.id, result: "again" });
    expect([a.got, b.got]).toEqual([
      [{ type: "answer", id: 1, result: "a" }],
      [{ type: "answer", id: 1, result: "b" }],
    ]);
  });

  it("end with the stream that they came by, watches by being stopped", () => {
    const [a, b] = [asker(), asker()];
    const board = new Switchboard<ReturnType<typeof asker>>();
    const limits = { seconds: 1, packets: 1, bytes: 1, snap: 1 };
    const watch = board.take({ type: "watch", id: 4, want: { kind: "capture", port_id: "p" }, limits }, a)!;
    board.take({ type: "query", id: 5, what: "host" }, a);
    expect(board.take({ type: "unwatch", id: 4 }, b)).toBeUndefined();
    expect(board.take({ type: "unwatch", id: 4 }, a)).toEqual({ type: "unwatch", id: watch.id });
    expect(board.ended(a)).toEqual([{ type: "unwatch", id: watch.id }]);
  });
});
