import type { Breakage, NamedTest } from "./breakage.ts";

const SCHEDULES: NamedTest = {
  file: "tests/sim/even.test.ts",
  title:
    "Q10 D5: whatever is killed, paused, cut off or late, hosts end up as a from-scratch compile says (even seeds)",
};

/** In what controllers and agents say to one another, as simulated schedules find it. */
export const SIMULATION: readonly Breakage[] = [
  {
    name: "simulated: the slice of a former owner is taken",
    file: "packages/agent/src/sync/slice_store.ts",
    find: "a.epoch < b.epoch || (a.epoch === b.epoch && a.generation < b.generation)",
    replace: "a.generation < b.generation",
    test: SCHEDULES,
  },
  {
    name: "simulated: who lost a host writes its report all the same",
    file: "packages/controller/src/realise/report_writer.ts",
    find: "compare.push(held);",
    replace: "",
    test: SCHEDULES,
  },
  {
    name: "simulated: a host is told that what it has is the same, whatever it has",
    file: "packages/controller/src/publish/session.ts",
    find: "if (had === slice.hash) return",
    replace: "if (had !== undefined) return",
    test: SCHEDULES,
  },
  {
    name: "simulated: a claim that was written over before its answer came is kept",
    file: "packages/controller/src/shards/claims.ts",
    find: "    this.claimsMoved(new Set(shards));\n    return true;",
    replace: "    return true;",
    test: SCHEDULES,
  },
  {
    name: "simulated: the report of a host that was removed stays",
    file: "packages/controller/src/handlers/host.ts",
    find: "    draft.delete(keys.report(id));\n",
    replace: "",
    test: SCHEDULES,
  },
];
