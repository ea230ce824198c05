import { join } from "node:path";
import { loadAlone } from "./object.ts";
import { testRun } from "./test_run.ts";

const TC_ACT_OK = 0;

/** Puts a frame on a device of this network namespace, as if it had come in there; its programs see it like any other. */
export function inject(objectDir: string, ifindex: number, frame: Uint8Array): void {
  const loaded = loadAlone(join(objectDir, "inject.bpf.o"), "inject");
  try {
    const { retval } = testRun(loaded.fd, frame, { mark: ifindex });
    if (retval !== TC_ACT_OK) throw new Error(`The device ${ifindex} took no packet; is it up?`);
  } finally {
    loaded.close();
  }
}
