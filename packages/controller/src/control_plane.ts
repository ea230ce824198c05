import { setMaxListeners } from "node:events";
import type { Link, SliceId } from "@onehop/core";
import { type IntentChange, IntentView, keys } from "@onehop/store";
import { aborted } from "./aborted.ts";
import { type IndexedIntent, liveIndexes, Plans, partsOf } from "./compile/index.ts";
import { Hearing } from "./epoch/hearing.ts";
import { Sentry } from "./epoch/sentry.ts";
import { statusUnder } from "./epoch/status.ts";
import { confirm } from "./learning/confirm.ts";
import { Facts, followKeys } from "./learning/facts.ts";
import { Keeper } from "./learning/keeper.ts";
import { rotateKey } from "./learning/keys.ts";
import type { Agents } from "./look/agents.ts";
import type { ControlPlaneOptions, Meters, Opened } from "./plane_options.ts";
import { type Admit, Publisher } from "./publish/publisher.ts";
import type { Traffic } from "./publish/traffic.ts";
import { BrokenLog } from "./realise/broken_log.ts";
import { heardAndKept } from "./realise/heard.ts";
import { Realise } from "./realise/realise.ts";
import { ReportWriter } from "./realise/report_writer.ts";
import { Reports } from "./realise/reports.ts";
import { BRAKE, Brake } from "./shards/brake.ts";
import { byCause } from "./shards/cause.ts";
import { dialMember } from "./shards/dial.ts";
import { Rounds } from "./shards/rounds.ts";
import { Shards } from "./shards/shards.ts";
import type { StatusSource } from "./status_source.ts";

export type { ControlPlaneOptions, Meters };

/** Intent in; plans to the agents, as far as they are owned here, and status of everything, out. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { clock, signal, logger } = options;
  // Every part listens to it, and every pause.
  setMaxListeners(0, signal);
  const onError = (error: unknown) => logger.warn({ err: error }, "The store, or a stream, failed; it is tried again.");
  const sentry = await new Sentry(options).open();
  const { guarded } = sentry;
  const claimed = await guarded.range({ prefix: keys.claims, limit: 1, keysOnly: true });
  const view = await IntentView.open({ store: guarded, clock, signal, onError });
  const plane = new ControlPlane({ ...options, sentry, wasServed: claimed.entries.length > 0 }, view, onError);
  await plane.loaded;
  return plane;
}

export class ControlPlane {
  readonly view: IntentView;
  readonly sentry: Sentry;
  readonly plans: Plans;
  readonly shards: Shards;
  readonly rounds: Rounds;
  readonly brake: Brake;
  /** Resolves when what is reported and known of learning was read: before, every VPC would seem to have no hub. */
  readonly loaded: Promise<unknown>;
  /** Settles when everything is given back, after the signal, or when another took our name. */
  readonly ended: Promise<void>;
  readonly status: StatusSource;
  readonly #options: Opened;
  readonly #hearing = new Hearing();
  readonly #onError: (error: unknown) => void;
  readonly #reports = new Reports();
  readonly #facts: Facts;
  readonly #indexed: IndexedIntent;
  readonly #publisher: Publisher;
  readonly #written: ReportWriter;
  readonly #realise: Realise;
  readonly #broken: BrokenLog;
  readonly #keeper: Keeper;
  #join: (address: string) => void = () => undefined;

  constructor(options: Opened, view: IntentView, onError: (error: unknown) => void) {
    const { clock, logger, signal, meters, sentry } = options;
    this.#options = options;
    this.sentry = sentry;
    this.#onError = onError;
    this.view = view;
    this.#facts = new Facts(this.#reports, (sentence) => logger.error(sentence));
    this.#facts.setEpoch(sentry.text);
    this.#indexed = liveIndexes(view, this.#facts);
    this.plans = new Plans(this.#indexed, {
      onProblem: (id, error) => logger.error({ slice: id, err: error }, "It cannot be compiled; all others go on."),
    });
    this.rounds = new Rounds({
      clock,
      work: (id) => this.#publisher.publish(id),
      onDone: (id, ms) => meters?.waited(id, ms),
      onError: (id, error) => logger.error({ slice: id, err: error }, "It could not be sent; all others go on."),
      ...(options.breathe ? { breathe: options.breathe } : {}),
    });
    this.shards = this.#makeShards();
    this.#written = new ReportWriter({ ...this.#follows, guard: (hostId) => this.shards.guard(`host/${hostId}`) });
    this.#publisher = this.#makePublisher();
    this.brake = this.#makeBrake();
    this.#realise = this.#makeRealise();
    this.status = statusUnder(sentry, this.#realise);
    this.#broken = new BrokenLog(view, logger);
    const stopFollowing = view.onChange((changes) => this.#follow(changes));
    this.#keeper = this.#makeKeeper();
    this.loaded = Promise.race([Promise.all([this.#realise.loaded, this.#followKeys()]), aborted(signal)]);
    const joined = new Promise<string | undefined>((resolve) => {
      this.#join = resolve;
      void aborted(signal).then(() => resolve(undefined));
    });
    this.ended = joined
      .then((address) => (address === undefined ? undefined : this.#serve(address)))
      .finally(() => {
        stopFollowing();
        this.#publisher.close();
      });
  }

  get agents(): Agents {
    return this.#publisher;
  }
  get traffic(): Traffic {
    return this.#publisher.traffic;
  }
  /** Agents connected now. */
  get connected(): number {
    return this.#publisher.connected;
  }

  /** Begins to serve what falls to this controller. `address`: where agents are served. Once. */
  join(address: string): void {
    this.#join(address);
  }
  /** A stream that an agent opened. `admit` judges it. */
  acceptAgent(link: Link, admit?: Admit): void {
    this.#publisher.accept(link, admit);
  }
  /** A stream that another controller opened. */
  acceptMember(link: Link): void {
    this.shards.accept(link);
  }

  /** Gives a VPC a new key; answers its version. Throws OnehopError (409) while hosts lack the one before. */
  rotateKey(vpcId: string): Promise<number> {
    const { random } = this.#options;
    return rotateKey(vpcId, {
      ...{
        store: this.sentry.guarded,
        random,
        plans: this.plans,
        reports: this.#reports,
        known: this.#facts.storedKey(vpcId),
      },
    });
  }

  get #follows() {
    const { clock, signal } = this.#options;
    return { store: this.sentry.guarded, clock, signal, onError: this.#onError };
  }

  async #serve(address: string): Promise<void> {
    const { clock, signal, wasServed } = this.#options;
    const hosts = [...this.view.hosts.values()].filter((host) => host.kind === "onehop").map((host) => host.id);
    if (wasServed) await this.#hearing.all(hosts, clock, signal);
    await this.sentry.look();
    await this.shards.run(address);
  }

  #makeShards(): Shards {
    const { name, random, logger, dial } = this.#options;
    return new Shards({
      ...this.#follows,
      self: { name, incarnation: Buffer.from(random(8)).toString("hex") },
      dial: dial ?? dialMember,
      storeEpoch: () => (this.sentry.frozen ? undefined : this.sentry.epoch),
      wanted: () => this.plans.wanted(),
      isWanted: (id) => this.plans.hostsOf(id).size > 0,
      onGained: (ids) => this.#gained(ids),
      onLost: (ids) => this.#publisher.released(ids),
      onMembers: () => {
        const members = this.shards.members().members.map((m) => m.name);
        logger.info({ members }, "These controllers live.");
        this.#publisher.introduce();
      },
      onReplaced: () => logger.error({ name }, "Another controller of the same name has come; this one ends."),
    });
  }

  #makePublisher(): Publisher {
    const { clock, signal, meters } = this.#options;
    const store = this.sentry.guarded;
    return new Publisher({
      plans: this.plans,
      intent: this.view,
      clock,
      epochOf: (id) => this.shards.epochOf(id),
      members: () => this.shards.members(),
      sure: () => this.shards.sure && !this.sentry.frozen,
      doubts: ({ host: name, have }, host) => {
        if (host) this.#hearing.heard(host.id);
        // One that is not known says little, but where nothing is known at all.
        return (
          (host !== undefined || this.view.hosts.size === 0) && this.sentry.doubts(`host ${host?.name ?? name}`, have)
        );
      },
      reports: heardAndKept(() => this.#realise, this.#written),
      confirm: (lessons, host) => {
        const wanted = this.plans.wantedBy(host.id);
        const serves = (vpcId: string) => wanted.has(`vpc/${vpcId}`);
        return confirm(lessons, { store, view: this.view, indexed: this.#indexed, signal, serves });
      },
      onError: this.#onError,
      ...(meters ? { onFanOut: (told: number, interested: number) => meters.fanOut(told, interested) } : {}),
    });
  }

  #makeBrake(): Brake {
    const { view, plans } = this;
    return new Brake({
      ...this.#follows,
      limits: this.#options.brake ?? BRAKE,
      left: (of, id) => (of === "vpc" ? view.portsByVpc : view.portsByHost).of(id).size,
      hold: (ids, why) => {
        this.#options.logger.warn({ slices: ids.length }, why);
        plans.hold(ids, why);
      },
      letGo: (ids) => {
        plans.letGo(ids);
        this.#touched("brake", new Set(ids));
        this.#realise.poke();
      },
    });
  }

  #makeRealise(): Realise {
    return new Realise({
      ...this.#follows,
      view: this.#indexed,
      plans: this.plans,
      reports: this.#reports,
      refusalOf: (hostId) => this.#publisher.refusalOf(hostId),
      query: (hostId, what, portId) =>
        this.#publisher.ask(hostId, what === "host" ? { what } : { what, port_id: portId ?? "" }),
      onReports: (hostIds) => {
        for (const vpc of this.#facts.reported(hostIds)) this.#touched(`vpc ${vpc}`, this.plans.followSync([vpc]));
        this.#keeper.reported();
      },
    });
  }

  #makeKeeper(): Keeper {
    const { view, plans } = this;
    return new Keeper({
      ...{ ...this.#follows, view, plans, indexed: this.#indexed, reports: this.#reports, facts: this.#facts },
      random: this.#options.random,
      isMine: (vpcId) => this.shards.epochOf(`vpc/${vpcId}`) !== undefined,
    });
  }

  #follow(changes: readonly IntentChange[]): void {
    this.#broken.look();
    this.brake.look(changes);
    for (const [cause, some] of byCause(changes)) this.#touched(cause, this.plans.follow(some));
    this.#realise.poke();
  }

  #followKeys(): Promise<void> {
    this.sentry.onChange(() => this.#epochMoved());
    return followKeys(this.#follows, this.#facts, (vpcIds) => this.#keysMoved(vpcIds));
  }

  #keysMoved(vpcIds: readonly string[]): void {
    for (const vpc of vpcIds) this.#touched(`vpc ${vpc}`, this.plans.followKeys([vpc]));
    this.#realise.poke();
    this.#keeper.look(vpcIds);
  }

  /** With the store's epoch, that of every slice is another; of one that is frozen nothing is vouched for. */
  #epochMoved(): void {
    this.#keysMoved(this.#facts.setEpoch(this.sentry.text));
    const owned = new Set(this.shards.owned());
    if (this.sentry.frozen) this.#publisher.released(owned);
    else this.#gained(owned);
    this.shards.consider(this.plans.wanted());
  }

  #touched(cause: string, ids: ReadonlySet<SliceId>): void {
    this.rounds.add(cause, ids);
    this.shards.consider(ids);
  }

  #gained(ids: ReadonlySet<SliceId>): void {
    this.#options.logger.debug({ slices: ids.size }, "More slices are owned here.");
    this.#publisher.gained(ids);
    this.rounds.add("claims", ids);
    this.#written.gained(idsOf("host", ids));
    this.#keeper.look(idsOf("vpc", ids));
  }
}

const idsOf = (kind: "host" | "vpc", ids: Iterable<SliceId>): string[] =>
  [...ids].map(partsOf).flatMap(([of, id]) => (of === kind ? [id] : []));
