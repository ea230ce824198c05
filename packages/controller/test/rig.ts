import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type At,
  type FromAgent,
  type Hello,
  type Intent,
  NOUNS,
  PROTOCOL_VERSION,
  type Report,
  type SliceDifference,
  type SliceMessage,
  STREAM_PATH,
  streamUrl,
  type ToAgent,
} from "@onehop/core";
import { patched } from "@onehop/core/plan/content";
import { readFrame } from "@onehop/core/plan/wire";
import { keys, MAX_OPS, MemoryStore, type Op, type Store, systemClock } from "@onehop/store";
import { pino } from "pino";
import { WebSocket } from "ws";
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from "../src/control_plane.ts";
import { listen } from "../src/publish/listen.ts";
import { serveStreams } from "../src/publish/upgrade.ts";

const silent = pino({ level: "silent" });

/** Puts objects into a store as the API does, without its checks. */
export async function put(store: Store, plural: string, objects: Iterable<object>): Promise<number> {
  const ops = [...(objects as Iterable<At<{ id: string }>>)].map(({ revision: _revision, ...stored }): Op => {
    return { put: keys.object(plural, stored.id), value: JSON.stringify(stored) };
  });
  let revision = 0;
  for (let i = 0; i < ops.length; i += MAX_OPS)
    revision = (await store.txn({ compare: [], then: ops.slice(i, i + MAX_OPS) })).revision;
  return revision;
}

export async function putIntent(store: Store, intent: Intent): Promise<number> {
  let revision = 0;
  for (const { plural } of NOUNS)
    revision = Math.max(revision, await put(store, plural, intent[plural as keyof Omit<Intent, "revision">].values()));
  return revision;
}

/** Resolves when `holds` does; looks again at every turn of the event loop, and fails after five seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`in vain waited until ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Controllers over one store in memory, and agents played by the test. */
export class Rig {
  readonly store = new MemoryStore();
  readonly dir = mkdtempSync(join(tmpdir(), "onehop-h6-"));
  readonly #stops: (() => Promise<void>)[] = [];

  async controller(
    name = "c1",
    socket = name,
    options: Pick<ControlPlaneOptions, "meters"> = {},
  ): Promise<{ plane: ControlPlane; address: string; stop(): Promise<void> }> {
    const stopping = new AbortController();
    const plane = await startControlPlane({
      store: this.store,
      clock: systemClock,
      name,
      signal: stopping.signal,
      logger: silent,
      random: randomBytes,
      ...options,
    });
    const address = `unix:${join(this.dir, `${socket}.sock`)}`;
    const server: Server = await listen(address);
    serveStreams(server, {
      agent: (link) => plane.acceptAgent(link),
      member: (link) => plane.acceptMember(link),
    });
    plane.join(address);
    const stop = async () => {
      stopping.abort();
      server.close();
      await plane.ended;
    };
    this.#stops.push(stop);
    return { plane, address, stop };
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) await stop();
    await this.store.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The other end of a stream, without a kernel: it keeps what it gets and reports what it is told to. */
export class FakeAgent {
  readonly got: ToAgent[] = [];
  readonly slices = new Map<string, SliceMessage>();
  /** Controllers that live, as told last. */
  members: readonly string[] = [];
  closed = false;
  #socket: WebSocket;

  constructor(address: string, host: string, { have = [], version = PROTOCOL_VERSION }: Partial<Hello> = {}) {
    this.#socket = new WebSocket(streamUrl(address, STREAM_PATH));
    const hello = { type: "hello", version, host, have } as const;
    this.#socket.on("open", () => this.#send(hello));
    this.#socket.on("message", (data: Buffer, isBinary: boolean) => {
      const message = isBinary ? readFrame(data)! : (JSON.parse(String(data)) as ToAgent);
      if (message.type === "members") {
        this.members = message.members.map((m) => m.name);
        return;
      }
      this.got.push(message);
      if (message.type === "slice") this.slices.set(message.id, message);
      if (message.type === "difference") this.#patch(message);
      if (message.type === "query") this.#send({ type: "answer", id: message.id, result: { what: message.what } });
    });
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => {
      this.closed = true;
    });
  }

  /** Says that everything that came is applied, by this stream or the host's other one. */
  report(degraded: Report["degraded"] = [], other?: FakeAgent): void {
    const slices = new Map([...(other?.slices ?? []), ...this.slices]);
    const own = [...slices.values()].find((s) => s.body.type === "host")?.body;
    const listed = own?.type === "host" ? own.slices.flatMap((id) => slices.get(id) ?? []) : [];
    const applied = listed.map(({ id, epoch, generation, hash }) => ({ id, epoch, generation, hash }));
    this.#send({ type: "report", applied, degraded });
  }

  /** Any text, also one that no agent sends. */
  say(text: string): void {
    this.#socket.send(text);
  }

  close(): void {
    this.#socket.terminate();
  }

  #patch({ type: _, base, difference, ...held }: SliceDifference): void {
    const before = this.slices.get(held.id);
    const body = before?.hash === base ? patched(before.body, difference) : undefined;
    if (body) this.slices.set(held.id, { type: "slice", ...held, body });
    else this.#send({ type: "lacking", ids: [held.id] });
  }

  #send(message: FromAgent): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify(message));
  }
}
