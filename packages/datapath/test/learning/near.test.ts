/** Which table knows an address: what is pushed before what was learned, and one look-up where nothing can be pushed. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Place } from "../../src/index.ts";
import { A, B, datagram, LearningWorld, NETWORK, VPC } from "./world.ts";

let w: LearningWorld;
beforeAll(() => {
  w = new LearningWorld();
});
afterAll(() => w.close());
beforeEach(() => w.reset());

/** Bits in common with A's gateway, 10.0.1.1; B's address is 10.0.2.22. */
function near(bits: number): void {
  const { endpoints } = w.at(1).maps;
  endpoints.set(A.slot, { ...endpoints.get(A.slot)!, near: bits });
}
/** B is learned to be at host 2, and pushed to be at host 5. */
function learnedAndPushed(): void {
  w.send(1, A, datagram(A, B.address));
  const pushed = { network: NETWORK.back, where: 5, mac: B.mac, place: Place.REMOTE };
  w.at(1).maps.destinations.set({ vpc: VPC, address: B.address }, pushed);
}
const sent = () => w.at(1).send(A.slot, datagram(A, B.address)).host;

test.each([0, 1, 22])(
  "what is pushed goes before what was learned where %i bits are near, as B's address has",
  (bits) => {
    near(bits);
    learnedAndPushed();
    expect(sent()).toBe(5);
  },
);

test.each([23, 32])(
  "Q26: of an address outside of the %i bits that are near only what was learned is looked up",
  (bits) => {
    near(bits);
    learnedAndPushed();
    expect(sent()).toBe(2);
  },
);

test("an address that is near and not pushed is learned as any other", () => {
  near(16);
  w.send(1, A, datagram(A, B.address));
  expect(sent()).toBe(2);
});
