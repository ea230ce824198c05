import {
  type Held,
  type Members,
  PROTOCOL_VERSION,
  type Released,
  type SliceId,
  STREAM_PATH,
  streamUrl,
} from "@onehop/core";
import { WebSocket } from "ws";
import type { Content, Library } from "./library.ts";
import type { Seen } from "./seen.ts";

export interface SimHostOptions {
  /** Name or id. */
  readonly host: string;
  readonly library: Library;
  readonly seen: Seen;
}

/** Slices of one change are reported together, as agents do. */
const GATHER_MS = 5;
const AGAIN_MS = 250;

interface Copy extends Held {
  readonly content: Content;
}

/**
 * An agent without a kernel: it speaks the stream with every controller, keeps its slices, refuses old ones, and says
 * that it has applied them.
 */
export class SimHost {
  readonly #options: SimHostOptions;
  readonly #copies = new Map<SliceId, Copy>();
  readonly #streams = new Map<string, WebSocket>();
  /** Streams that were told of all that is applied. */
  readonly #reported = new WeakSet<WebSocket>();
  /** What came, and what went, since they were told. */
  readonly #news = new Set<SliceId>();
  readonly #gone = new Set<SliceId>();
  /** The same to all streams. */
  #newsText = "";
  /** Whose stream last said of each slice that it is right. */
  readonly #vouchers = new Map<SliceId, WebSocket>();
  #own: readonly SliceId[] | undefined;
  #due = false;
  #toldWhole = false;
  #stopped = false;
  #first: string;

  constructor(first: string, options: SimHostOptions) {
    this.#options = options;
    this.#first = first;
    this.#dial(first);
  }

  get open(): number {
    return [...this.#streams.values()].filter((socket) => socket.readyState === WebSocket.OPEN).length;
  }
  /** Slices of this host, where it has all. */
  get whole(): boolean {
    return this.#own?.every((id) => this.#copies.has(id)) ?? false;
  }
  get copies(): Iterable<Held> {
    return this.#copies.values();
  }
  /** Entries that a kernel would hold for it. */
  get entries(): number {
    return [...this.#copies.values()].reduce((sum, { content }) => sum + content.addresses, 0);
  }

  stop(): void {
    this.#stopped = true;
    for (const socket of this.#streams.values()) socket.terminate();
  }

  #dial(address: string): void {
    if (this.#stopped) return;
    const socket = new WebSocket(streamUrl(address, STREAM_PATH), {
      perMessageDeflate: false,
      // As agents give up a stream of which nothing comes.
      handshakeTimeout: 5000,
      skipUTF8Validation: true,
    });
    this.#streams.set(address, socket);
    socket.on("open", () => {
      socket.send(
        JSON.stringify({ type: "hello", version: PROTOCOL_VERSION, host: this.#options.host, have: this.#held() }),
      );
      if (this.whole) this.#report(socket);
    });
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#slice(data, socket);
      else this.#receive(JSON.parse(data.toString()) as Told, socket);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      for (const [id, voucher] of this.#vouchers) if (voucher === socket) this.#doubt(id);
      if (this.#streams.get(address) !== socket) return;
      // Agents try again soon, each at a moment of its own.
      setTimeout(() => this.#streams.get(address) === socket && this.#dial(address), AGAIN_MS * (0.5 + Math.random()));
    });
  }

  #receive(message: Told, from: WebSocket): void {
    if (message.type === "members") this.#meet(message);
    if (message.type === "same") this.#same(message, from);
    if (message.type === "released") for (const id of message.ids) if (this.#vouchers.get(id) === from) this.#doubt(id);
    if (message.type === "refused") this.#options.seen.refused(message.message);
  }

  #meet({ members }: Members): void {
    const wanted = new Set([this.#first, ...members.map((member) => member.address)]);
    for (const [address, socket] of this.#streams) {
      if (wanted.has(address)) continue;
      this.#streams.delete(address);
      socket.terminate();
    }
    for (const address of wanted) if (!this.#streams.has(address)) this.#dial(address);
  }

  #slice(frame: Buffer, from: WebSocket): void {
    const { library, seen } = this.#options;
    const message = library.read(frame);
    seen.frame(message, frame.length);
    if (this.#isOld(message)) {
      seen.stale();
      return;
    }
    const { id, epoch, generation, hash } = message;
    const content = library.content(message, this.#copies.get(id));
    if (!content) {
      this.#lack(id, from);
      return;
    }
    this.#keep({ id, epoch, generation, hash, content });
    this.#vouchers.set(id, from);
    if (content.lists) this.#replan(content.lists);
    seen.has(message);
    this.#tell();
  }

  #same(held: Held, from: WebSocket): void {
    const { seen } = this.#options;
    seen.frame(held, 0);
    if (this.#isOld(held)) {
      seen.stale();
      return;
    }
    const copy = this.#copies.get(held.id);
    if (copy?.hash !== held.hash) {
      this.#lack(held.id, from);
      return;
    }
    const { id, epoch, generation, hash } = held;
    this.#keep({ id, epoch, generation, hash, content: copy.content });
    this.#vouchers.set(id, from);
    seen.has(held);
    // Of what was applied before, agents say again only that somebody vouches for all of it.
    if (!this.#toldWhole && this.#vouched) this.#tell();
  }

  get #vouched(): boolean {
    return this.#own?.every((id) => this.#vouchers.has(id)) ?? false;
  }

  #doubt(id: SliceId): void {
    this.#vouchers.delete(id);
    this.#toldWhole = false;
  }

  #keep(copy: Copy): void {
    this.#copies.set(copy.id, copy);
    this.#news.add(copy.id);
    this.#gone.delete(copy.id);
  }

  #drop(id: SliceId): void {
    this.#copies.delete(id);
    this.#vouchers.delete(id);
    this.#news.delete(id);
    this.#gone.add(id);
  }

  #lack(id: SliceId, from: WebSocket): void {
    from.send(JSON.stringify({ type: "lacking", ids: [id] }));
  }

  #isOld({ id, epoch, generation }: Held): boolean {
    const copy = this.#copies.get(id);
    return copy !== undefined && (epoch < copy.epoch || (epoch === copy.epoch && generation < copy.generation));
  }

  #replan(lists: readonly SliceId[]): void {
    this.#own = lists;
    const listed = new Set(lists);
    for (const id of [...this.#copies.keys()]) if (!listed.has(id)) this.#drop(id);
    setTimeout(() => this.#askForMissing(), AGAIN_MS);
  }

  #askForMissing(): void {
    const ids = this.#own?.filter((id) => !this.#copies.has(id)) ?? [];
    if (ids.length === 0 || this.#stopped) return;
    this.#send(JSON.stringify({ type: "lacking", ids }));
    setTimeout(() => this.#askForMissing(), 4 * AGAIN_MS);
  }

  #tell(): void {
    if (this.#due || !this.whole) return;
    this.#due = true;
    setTimeout(() => {
      this.#due = false;
      if (!this.whole) return;
      this.#toldWhole = this.#vouched;
      this.#newsText = this.#said(this.#news, [...this.#gone]);
      for (const socket of this.#streams.values()) this.#report(socket);
      this.#news.clear();
      this.#gone.clear();
    }, GATHER_MS);
  }

  /** All that is applied at first, then what is new, as agents do. */
  #report(socket: WebSocket): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    const isFirst = !this.#reported.has(socket);
    this.#reported.add(socket);
    socket.send(isFirst ? this.#said(this.#own!) : this.#newsText);
  }

  #said(ids: Iterable<SliceId>, gone?: readonly SliceId[]): string {
    const applied = [...ids].map((id) => heldOf(this.#copies.get(id)!));
    return JSON.stringify({ type: "report", applied, degraded: [], whole: this.#toldWhole, hub_of: [], gone });
  }

  #held(): Held[] {
    return [...this.#copies.values()].map(heldOf);
  }

  #send(text: string): void {
    for (const socket of this.#streams.values()) if (socket.readyState === WebSocket.OPEN) socket.send(text);
  }
}

const heldOf = ({ id, epoch, generation, hash }: Held): Held => ({ id, epoch, generation, hash });

type Told =
  | Members
  | Released
  | (Held & { readonly type: "same" })
  | { readonly type: "refused"; readonly message: string };
