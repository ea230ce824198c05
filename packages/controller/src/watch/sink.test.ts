import type { ServerResponse } from "node:http";
import { Writable } from "node:stream";
import { ManualClock } from "@onehop/store";
import { expect, it } from "vitest";
import { encode, Sink } from "./sink.ts";

/** A reader that takes what is written when it is told to. */
function reader() {
  const seen: string[] = [];
  const pending: (() => void)[] = [];
  const stream = new Writable({
    highWaterMark: 64,
    write(chunk, _encoding, done) {
      pending.push(() => {
        seen.push(String(chunk));
        done();
      });
    },
  });
  const read = async () => {
    while (pending.length > 0) {
      pending.shift()!();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { response: stream as unknown as ServerResponse, stream, seen, read };
}
const event = (revision: number) => ({ type: "modified", revision, object: { text: "x".repeat(100) } }) as const;

it("Events are encoded as server-sent events or as lines of JSON.", () => {
  expect(encode("sse", { type: "bookmark", id: 7, revision: 7 })).toBe(
    'id: 7\nevent: bookmark\ndata: {"type":"bookmark","id":7,"revision":7}\n\n',
  );
  expect(encode("ndjson", { type: "bookmark", id: 7, revision: 7 })).toBe('{"type":"bookmark","id":7,"revision":7}\n');
});

it("A reader that reads late is waited for, and nothing more is written meanwhile.", async () => {
  const { response, stream, seen, read } = reader();
  const sink = new Sink(response, "ndjson", new ManualClock());
  const first = sink.send([event(1)]);
  const second = sink.send([event(2)]);
  await new Promise((resolve) => setImmediate(resolve));
  const length = stream.writableLength;
  expect(length).toBe(encode("ndjson", event(1)).length);
  await read();
  await first;
  await read();
  await second;
  expect(seen).toHaveLength(2);
});

it("A reader that does not read is left after ten seconds, told why if it looks, and then cut off.", async () => {
  const { response, stream, seen, read } = reader();
  const clock = new ManualClock();
  const sink = new Sink(response, "ndjson", clock);
  const sent = sink.send([event(1)]);
  const refused = expect(sent).rejects.toMatchObject({ detail: { status: 503, code: "slow_reader" } });
  await clock.advance(10_000);
  await refused;
  sink.end({ type: "error", problem: { status: 503, code: "slow_reader", detail: "too slow" } });
  await read();
  expect(seen.at(-1)).toContain("slow_reader");
  stream.emit("close");

  const other = reader();
  void new Sink(other.response, "ndjson", clock).send([event(1)]);
  await clock.advance(0);
  new Sink(other.response, "ndjson", clock).end();
  await clock.advance(2000);
  expect(other.stream.destroyed).toBe(true);
});
