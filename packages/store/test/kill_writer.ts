/**
 * A process of the kill test: a private etcd on the folder given, and eight writers that put what they are told to. One line
 * on standard output for each write that the store has acknowledged; written synchronously, so that a kill takes none back.
 */
import { writeSync } from "node:fs";
import { openStore, startEtcd } from "../src/index.ts";

const [dataDir = "", writes = "0"] = process.argv.slice(2);
const etcd = await startEtcd({ dataDir });
writeSync(1, `etcd ${etcd.pid}\n`);
const store = openStore(etcd.url);
let next = 0;

async function write(): Promise<void> {
  for (let i = next++; i < Number(writes); i = next++) {
    // Two keys, so that half a transaction would show.
    const then = [
      { put: `/a/${i}`, value: `value ${i}` },
      { put: `/b/${i}`, value: `value ${i}` },
    ];
    const { revision } = await store.txn({ compare: [{ absent: `/a/${i}` }], then });
    writeSync(1, `${i} ${revision}\n`);
  }
}
await Promise.all(Array.from({ length: 8 }, write));
writeSync(1, "done\n");
