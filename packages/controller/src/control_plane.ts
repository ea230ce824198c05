import type { Server } from "node:http";
import { type Clock, IntentView, keys, type Store } from "@onehop/store";
import type { Logger } from "pino";
import { Claim } from "./claim.ts";
import { liveIndexes, Plans, type Work } from "./compile/index.ts";
import type { Agents } from "./look/agents.ts";
import { Publisher } from "./publish/publisher.ts";
import { Realise } from "./realise/realise.ts";
import { ReportWriter } from "./realise/report_writer.ts";
import type { StatusSource } from "./status_source.ts";

export interface ControlPlaneOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Of this controller; unique among those that live. */
  readonly name: string;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

export interface ControlPlane {
  readonly view: IntentView;
  readonly plans: Plans;
  readonly status: StatusSource;
  readonly agents: Agents;
  /** Undefined: another controller serves the agents. */
  readonly epoch: () => number | undefined;
  /** Slices sent so far, by kind. */
  readonly sent: Work;
  /** Agents connected now. */
  readonly connected: () => number;
  /** Takes agents' streams at this server. */
  serve(server: Server): void;
  /** Settles when the claim is given back, after the signal. */
  readonly ended: Promise<void>;
}

/** One claim for all of the region, until shards are. */
const SHARD = "region";

/** Intent in; plans to the agents that this controller serves, and status of everything, out. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { store, clock, name, signal, logger } = options;
  const onError = (error: unknown) => logger.warn({ err: error }, "The store, or a stream, failed; it is tried again.");
  const view = await IntentView.open({ store, clock, signal, onError });
  const plans = new Plans(liveIndexes(view));
  const claim = new Claim({
    store,
    clock,
    shard: SHARD,
    name,
    onError,
    onChange: (epoch) => {
      logger.info({ epoch }, epoch === undefined ? "Another serves the agents." : "This controller serves the agents.");
      publisher.drop();
    },
  });
  const publisher = new Publisher({
    plans,
    intent: view,
    clock,
    epoch: () => claim.epoch,
    reportsOf: (hostId) =>
      new ReportWriter({
        store,
        clock,
        hostId,
        guard: () => (claim.epoch === undefined ? undefined : { key: keys.claim(SHARD), create_revision: claim.epoch }),
        onError,
      }),
    onError,
  });
  const query: StatusSource["query"] = (hostId, what, portId) =>
    publisher.ask(hostId, what === "host" ? { what } : { what, port_id: portId ?? "" });
  const realise = new Realise({ store, clock, signal, view: liveIndexes(view), plans, query, onError });
  const stopFollowing = view.onChange((changes) => {
    publisher.changed(plans.follow(changes));
    realise.poke();
  });
  const ended = claim.run(signal).finally(() => {
    stopFollowing();
    publisher.close();
  });
  return {
    view,
    plans,
    status: realise,
    agents: publisher,
    epoch: () => claim.epoch,
    sent: publisher.sent,
    connected: () => publisher.connected,
    serve: (server) => publisher.serve(server),
    ended,
  };
}
