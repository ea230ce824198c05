import { type DropReason, packet } from "@onehop/core";
import { Action, Class, type Config, Drop, LAYOUT, Stage } from "./maps.gen.ts";
import { type Datapath, type DatapathOptions, OBJECT_DIR, openDatapath, type TypedMaps } from "./object.ts";
import { type TestRun, type TestRunContext, testRun } from "./test_run.ts";

export type ActionName = Lowercase<keyof typeof Action>;
export type ClassName = Lowercase<keyof typeof Class>;
export type StageName = Lowercase<keyof typeof Stage>;

/** What a host did with a frame. */
export interface Verdict {
  readonly action: ActionName;
  /** Also where an ICMP error was sent instead; "none" where nothing was dropped. */
  readonly reason: DropReason | "none";
  readonly class: ClassName;
  /** The stage that ended it. */
  readonly stage: StageName;
  /** Of the guest it went to, else of the port that a drop counts for; Constant.NO_SLOT where there is neither. */
  readonly slot: number;
  /** Number of the host it went to; 0 otherwise. */
  readonly host: number;
  /** Device it was redirected to. */
  readonly ifindex: number;
  /** The frame afterwards. Outer Ethernet addresses are the kernel's to fill on the way out. */
  readonly frame: Uint8Array;
  readonly mark: number;
  /** TC_ACT_*. */
  readonly retval: number;
  /** Questions of learning that went beside it: each packet that asks goes round once more. */
  readonly asked: readonly Asked[];
}

/** A message as it left, and the host it went to. */
export interface Asked {
  readonly host: number;
  readonly frame: Uint8Array;
}

export const names = <T extends string>(values: Readonly<Record<string, number>>): ((n: number) => T) => {
  const byNumber = new Map(Object.entries(values).map(([name, n]) => [n, name.toLowerCase()]));
  return (n) => (byNumber.get(n) ?? String(n)) as T;
};
export const actionName = names<ActionName>(Action);
export const reasonName = names<DropReason | "none">(Drop);
export const className = names<ClassName>(Class);
export const stageName = names<StageName>(Stage);

const NOTHING = { action: 0, reason: 0, class: 0, stage: 0, slot: 0, host: 0, ifindex: 0 };
/** Loopback: the device that a test run says a frame comes from. */
const LOOPBACK = { ifindex: 1 };

/** The mark of a packet that goes round again, and which messages went beside it (bpf/lib/overlay_mark.h). */
const AGAIN = 0x6f686100;
const ASKED_HOST = 1;
const ASKED_PEER = 2;

/** The message of learning in a frame from host to host. */
export const messageIn = (frame: Uint8Array): packet.LearningMessage | undefined =>
  packet.decodeMessage(frame.subarray(42, 42 + packet.MESSAGE_LENGTH));

/** Maps of a test's host: small, so that many hosts are made fast. */
const SMALL = {
  ...{ destinations: 8192, macs: 8192, routes: 4096, allowed: 1024, vnis: 1024, drops: 4096 },
  ...{ learned: 4096, questions: 4096, unknowns: 1024, vouched: 1024 },
};
/** Where a working host's tables are used: what is left is written by every run, and read by nobody. */
const TINY = {
  ...{ links: 1, port_counters: 1, drops: 64, events: 65_536, event_budgets: 1, buckets: 1 },
  ...{ ways: 1, port_asks: 1, questions: 64, vouched: 64 },
};
/** What a host's agent fills, and what its guests' packets taught it. */
const TABLES = [
  ...["class_limits", "hosts", "tunnels", "vnis", "allowed", "endpoints", "routes", "macs", "destinations"],
  // Without the keys nobody is asked, so that of what was learned only the time of its last use is written.
  ...["vpc_rules", "hub_sync", "learned", "confirmed", "moved", "hub_sources"],
];

export interface HostRigOptions extends Partial<Pick<DatapathOptions, "objectDir" | "maxEntries">> {
  readonly config: Pick<Config, "tunnel_address" | "host">;
  /** A host that works: its tables are used as they are, and nothing of it is changed or counted. */
  readonly live?: Datapath;
}

/**
 * One host without devices: the real programs over maps of its own, run frame by frame. The caller fills `maps`; a
 * frame that left one rig for a host may be received by the rig of that host as it is. Over the tables of a live host
 * it says what that host would do; limits on classes do not count there, since its buckets are not touched.
 */
export class HostRig {
  readonly datapath: Datapath;
  /** Slot that loopback stands for in the map links. */
  private sender: number | undefined;

  constructor({ objectDir = OBJECT_DIR, config, maxEntries, live }: HostRigOptions) {
    const sizes = { ...SMALL, ...(live ? TINY : {}), ...maxEntries };
    const shared = live && { shared: lent(live) };
    this.datapath = openDatapath({ objectDir, config: { ...config, record: 1 }, maxEntries: sizes, ...shared });
  }

  get maps(): TypedMaps {
    return this.datapath.maps;
  }

  /** A frame from the guest of a slot; undefined: from a device that has no port. 14 bytes at least. */
  send(slot: number | undefined, frame: Uint8Array, context: TestRunContext = {}): Verdict {
    if (slot !== this.sender) {
      if (slot === undefined) this.maps.links.delete(LOOPBACK);
      else this.maps.links.set(LOOPBACK, { slot });
      this.sender = slot;
    }
    return this.follow(frame, context);
  }

  /** A frame from the underlay. */
  receive(frame: Uint8Array, context: TestRunContext = {}): Verdict {
    return this.run(this.datapath.programs.from_uplink, frame, context);
  }

  /** A frame that the idle VXLAN device decapsulated. In a test run it carries no tunnel key. */
  receiveOverlay(frame: Uint8Array, context: TestRunContext = {}): Verdict {
    return this.run(this.datapath.programs.from_overlay, frame, context);
  }

  close(): void {
    this.datapath.close();
  }

  private run(program: number, frame: Uint8Array, context: TestRunContext): Verdict {
    this.maps.decision.set(0, NOTHING);
    const ran = testRun(program, frame, context);
    return this.verdict(ran);
  }

  /** Round and round, as the kernel would do with the marked clone, until the packet itself has gone. */
  private follow(frame: Uint8Array, context: TestRunContext): Verdict {
    const asked: Asked[] = [];
    for (let mark = context.mark ?? 0; ; ) {
      const verdict = this.run(this.datapath.programs.from_endpoint, frame, { ...context, mark });
      if (verdict.action !== "ask") return { ...verdict, asked };
      asked.push({ host: verdict.host, frame: verdict.frame });
      mark |= AGAIN | (messageIn(verdict.frame)?.address === undefined ? ASKED_PEER : ASKED_HOST);
    }
  }

  private verdict({ retval, frame, mark }: TestRun): Verdict {
    const decision = this.maps.decision.get(0);
    if (!decision || decision.action === Action.NONE)
      throw new Error(`the program returned ${retval} and recorded no decision`);
    return {
      action: actionName(decision.action),
      reason: reasonName(decision.reason),
      class: className(decision.class),
      stage: stageName(decision.stage),
      slot: decision.slot,
      host: decision.host,
      ifindex: decision.ifindex,
      frame,
      mark,
      retval,
      asked: [],
    };
  }
}

function lent({ fds }: Datapath): Map<string, number> {
  const symbols = TABLES.map((name) => LAYOUT.maps[name]!.symbol);
  return new Map(symbols.map((symbol) => [symbol, fds.get(symbol)!]));
}
