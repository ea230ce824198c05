import type { Server } from "node:http";
import { type Clock, IntentView, keys, type Store } from "@onehop/store";
import type { Logger } from "pino";
import { Claim } from "./claim.ts";
import { liveIndexes, Plans, type Work } from "./compile/index.ts";
import type { Random } from "./handlers/handler.ts";
import { confirm } from "./learning/confirm.ts";
import { Facts, followKeys } from "./learning/facts.ts";
import { Keeper } from "./learning/keeper.ts";
import { rotateKey } from "./learning/keys.ts";
import type { Agents } from "./look/agents.ts";
import { Publisher } from "./publish/publisher.ts";
import { Realise } from "./realise/realise.ts";
import { ReportWriter } from "./realise/report_writer.ts";
import { Reports } from "./realise/reports.ts";
import type { StatusSource } from "./status_source.ts";

export interface ControlPlaneOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Of this controller; unique among those that live. */
  readonly name: string;
  readonly signal: AbortSignal;
  readonly random: Random;
  readonly logger: Logger;
}

export interface ControlPlane {
  readonly view: IntentView;
  readonly plans: Plans;
  readonly status: StatusSource;
  /** Gives a VPC a new key; answers its version. Throws OnehopError (409) while hosts lack the one before. */
  readonly rotateKey: (vpcId: string) => Promise<number>;
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
  const { store, clock, name, signal, logger, random } = options;
  const onError = (error: unknown) => logger.warn({ err: error }, "The store, or a stream, failed; it is tried again.");
  const view = await IntentView.open({ store, clock, signal, onError });
  const reports = new Reports();
  const facts = new Facts(reports, (sentence) => logger.error(sentence));
  const indexed = liveIndexes(view, facts);
  const plans = new Plans(indexed);
  const claim = new Claim({
    store,
    clock,
    shard: SHARD,
    name,
    onError,
    onChange: (epoch) => {
      keeper.lookAtAll();
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
    confirm: (lessons) => confirm(lessons, { store, view, indexed, signal }),
    onError,
  });
  const isMine = () => claim.epoch !== undefined;
  const keeper = new Keeper({ store, clock, signal, view, indexed, plans, reports, facts, random, isMine, onError });
  const query: StatusSource["query"] = (hostId, what, portId) =>
    publisher.ask(hostId, what === "host" ? { what } : { what, port_id: portId ?? "" });
  const onReports = (hostIds: readonly string[]) => {
    publisher.changed(plans.followSync(facts.reported(hostIds)));
    keeper.reported();
  };
  const realise = new Realise({ store, clock, signal, view: indexed, plans, reports, onReports, query, onError });
  const keysLoaded = followKeys({ store, clock, signal, onError }, facts, (vpcIds) => {
    publisher.changed(plans.followKeys(vpcIds));
    realise.poke();
    keeper.look(vpcIds);
  });
  const stopFollowing = view.onChange((changes) => {
    publisher.changed(plans.follow(changes));
    realise.poke();
  });
  // Before they are known, every VPC would seem to have no hub.
  await Promise.race([Promise.all([realise.loaded, keysLoaded]), aborted(signal)]);
  const ended = claim.run(signal).finally(() => {
    stopFollowing();
    publisher.close();
  });
  return {
    view,
    plans,
    status: realise,
    rotateKey: (vpcId) => rotateKey(vpcId, { store, plans, reports, random, known: facts.storedKey(vpcId) }),
    agents: publisher,
    epoch: () => claim.epoch,
    sent: publisher.sent,
    connected: () => publisher.connected,
    serve: (server) => publisher.serve(server),
    ended,
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
