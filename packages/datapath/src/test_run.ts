import { kernelOffset } from "./layout.ts";
import * as sys from "./sys.ts";

/** What a program made of one frame. No redirect is performed. */
export interface TestRun {
  /** TC_ACT_*: 0 ok, 2 shot, 7 redirect. */
  readonly retval: number;
  /** The whole frame after the program. */
  readonly frame: Uint8Array;
  readonly mark: number;
}
export interface TestRunContext {
  /** Device the frame comes from: one of this network namespace; 1 (loopback) by default. */
  readonly ifindex?: number;
  readonly mark?: number;
  /** Bytes of payload a segment, where the frame stands for several. */
  readonly gso_size?: number;
}

/** A frame must fit one page with the kernel's own headroom; EINVAL beyond, and below 14 bytes. */
const ROOM = 65536;
const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Memory that C sees, prepared once: a run then costs little more than the system call. */
class Runner {
  private readonly input = sys.fixedMemory(ROOM);
  private readonly output = sys.fixedMemory(ROOM);
  private readonly opts = sys.fixedMemory(sys.TEST_RUN_SIZE);
  private readonly contextSize = kernelOffset("__sk_buff", "sizeof");
  private readonly contextIn = sys.fixedMemory(this.contextSize);
  private readonly contextOut = sys.fixedMemory(this.contextSize);
  private readonly inSize = sys.testRunOffset("data_size_in");
  private readonly outSize = sys.testRunOffset("data_size_out");
  private readonly contextOutSize = sys.testRunOffset("ctx_size_out");
  private readonly retval = sys.testRunOffset("retval");
  private readonly mark = kernelOffset("__sk_buff", "mark");
  private readonly ifindex = kernelOffset("__sk_buff", "ifindex");
  private readonly gsoSize = kernelOffset("__sk_buff", "gso_size");

  constructor() {
    const { view } = this.opts;
    view.setBigUint64(sys.testRunOffset("sz"), BigInt(sys.TEST_RUN_SIZE), LITTLE);
    view.setBigUint64(sys.testRunOffset("data_in"), this.input.address, LITTLE);
    view.setBigUint64(sys.testRunOffset("data_out"), this.output.address, LITTLE);
    view.setBigUint64(sys.testRunOffset("ctx_in"), this.contextIn.address, LITTLE);
    view.setBigUint64(sys.testRunOffset("ctx_out"), this.contextOut.address, LITTLE);
    view.setUint32(sys.testRunOffset("ctx_size_in"), this.contextSize, LITTLE);
    view.setUint32(sys.testRunOffset("repeat"), 1, LITTLE);
  }

  run(program: number, frame: Uint8Array, context: TestRunContext): TestRun {
    if (frame.length > ROOM) throw new RangeError(`a frame of ${frame.length} bytes is too long for a test run`);
    const { view } = this.opts;
    this.input.bytes.set(frame);
    const skb = this.contextIn.view;
    skb.setUint32(this.mark, context.mark ?? 0, LITTLE);
    skb.setUint32(this.ifindex, context.ifindex ?? 1, LITTLE);
    skb.setUint32(this.gsoSize, context.gso_size ?? 0, LITTLE);
    view.setUint32(this.inSize, frame.length, LITTLE);
    view.setUint32(this.outSize, ROOM, LITTLE);
    view.setUint32(this.contextOutSize, this.contextSize, LITTLE);
    sys.check("test run", sys.programTestRun(program, this.opts.address));
    return {
      retval: view.getInt32(this.retval, LITTLE),
      frame: this.output.bytes.slice(0, view.getUint32(this.outSize, LITTLE)),
      mark: this.contextOut.view.getUint32(this.mark, LITTLE),
    };
  }
}

let runner: Runner | undefined;

/** Runs a tc program once on the frame. Throws SysError EINVAL where the kernel takes no such frame (14 bytes at least). */
export function testRun(program: number, frame: Uint8Array, context: TestRunContext = {}): TestRun {
  runner ??= new Runner();
  return runner.run(program, frame, context);
}
