/** Of the kernel's monotonic clock, which is also Node's. */
export const now = (): bigint => process.hrtime.bigint();

/** A moment of that clock as microseconds since the epoch. */
export function microseconds(time: bigint): number {
  const ago = Number(now() - time) / 1000;
  return Math.round((performance.timeOrigin + performance.now()) * 1000 - ago);
}
