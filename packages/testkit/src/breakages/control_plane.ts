import { type Breakage, DIFFERENTIAL } from "./breakage.ts";

const RETRIES = "packages/controller/test/api/retries.test.ts";

/** In TypeScript: from Intent to map entries. */
export const CONTROL_PLANE: readonly Breakage[] = [
  {
    name: "a plain peer is lowered like a host of ours",
    file: "packages/agent/src/lower/places.ts",
    find: 'host.kind === "onehop" ? Place.REMOTE : Place.PEER',
    replace: "Place.REMOTE",
    test: DIFFERENTIAL,
  },
  {
    name: "the host's own address is accepted as a sender's",
    file: "packages/agent/src/lower/hosts.ts",
    find: "hosts.filter(({ number }) => number !== own.number)",
    replace: "hosts",
    test: DIFFERENTIAL,
  },
  {
    name: "only a port's first address is reachable",
    file: "packages/agent/src/lower/destinations.ts",
    find: "port.addresses.map((address) => textRow(",
    replace: "port.addresses.slice(0, 1).map((address) => textRow(",
    test: DIFFERENTIAL,
  },
  {
    name: "an allowed range is allowed to every port of a VPC",
    file: "packages/agent/src/lower/allowed.ts",
    find: "for (const text of port.allowed_addresses) {",
    replace: "for (const text of plan.local.flatMap((other) => other.port.allowed_addresses)) {",
    test: DIFFERENTIAL,
  },
  {
    name: "a static route loses against the VPC's range of the same length",
    file: "packages/agent/src/lower/routes.ts",
    find: "for (const { destination, next_hop } of routes) yield",
    replace: "for (const { destination, next_hop } of routes) if (!cidrs.includes(destination)) yield",
    test: DIFFERENTIAL,
  },
  {
    name: "a changed route is not compiled again",
    file: "packages/controller/src/compile/dirty.ts",
    find: "return [change.before, change.after].flatMap((r)",
    replace: "return [change.before].flatMap((r)",
    test: {
      file: "packages/controller/test/sequences.test.ts",
      title: "incremental plans equal a full recompute after every state, in order",
    },
  },
  {
    name: "the order of ports in a slice is that of the Intent, so equal content has unequal hashes",
    file: "packages/controller/src/compile/network.ts",
    find: "ports: ports.sort(byId),",
    replace: "ports,",
    test: {
      file: "packages/controller/test/sequences.test.ts",
      title:
        "incremental plans equal a full recompute and depend on the present only: the same Intent has the same hashes, however it came about",
    },
  },
  {
    name: "the slice of a former owner is taken",
    file: "packages/agent/src/sync/slice_store.ts",
    find: "a.epoch < b.epoch || ",
    replace: "",
    test: {
      file: "packages/agent/src/sync/slice_store.test.ts",
      title:
        "slices of a lower epoch are refused, however new their content (a paused owner that wakes up harms nothing)",
    },
  },
  {
    name: "a slice that was patched is not looked at",
    file: "packages/agent/src/sync/slice_store.ts",
    find: "if (hashes.of(body).hash !== message.hash) return wrong(message);",
    replace: "",
    test: {
      file: "packages/agent/src/sync/slice_store.test.ts",
      title: "slices are changed by what differs from what is here, and by nothing else",
    },
  },
  {
    name: "a port is reachable before it has its policy",
    file: "packages/agent/src/reconcile/apply.ts",
    find: "for (const name of BASE) writeRows(machine, name);",
    replace: "for (const name of [...REACH, ...BASE]) writeRows(machine, name);",
    test: {
      file: "packages/agent/test/reconcile.test.ts",
      title: "the order of operations is policy, program, link, reach for a port that comes",
    },
  },
];

/** In TypeScript: what users ask for, and whether they may. */
export const API: readonly Breakage[] = [
  {
    name: "a freed VNI is given out at once",
    file: "packages/controller/src/allocate/vni.ts",
    find: "if (limits.vniRest > 0)",
    replace: "if (limits.vniRest < 0)",
    test: {
      file: "packages/controller/test/api/allocation.test.ts",
      title: "Q6: a freed VNI is not given out again before it has rested",
    },
  },
  {
    name: "an edit of an old revision is accepted",
    file: "packages/controller/src/http/conditions.ts",
    find: 'return (revision) => tags.includes("*") || tags.includes(etag(revision));',
    replace: "return () => tags.length > 0;",
    test: { file: RETRIES, title: "If-Match guards changes and deletions; If-None-Match saves an answer" },
  },
  {
    name: "a key for retries answers any other request",
    file: "packages/controller/src/api/idempotency.ts",
    find: "if (record.request_hash !== request.hash)",
    replace: 'if (record.request_hash === "")',
    test: { file: RETRIES, title: "the same key with another body is 422, and nothing is stored" },
  },
  {
    name: "another project's object is shown",
    file: "packages/controller/src/api/read.ts",
    find: "if (!object || !isVisible(noun, caller, object)) throw",
    replace: "if (!object) throw",
    test: {
      file: "packages/controller/test/api/auth.test.ts",
      title: "foreign objects are not found, not listed, not changed and not referred to",
    },
  },
];
