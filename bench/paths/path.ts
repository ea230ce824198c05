/** The ways between two guests (or hosts) that are compared, in the order of the table; neighbours are compared most. */
export const PATHS = [
  "host",
  "onehop-routed",
  "onehop-routed-tap",
  "onehop-same-net",
  "onehop-same-host",
  "bridge-vxlan",
  "ovs-userspace",
] as const;
export type PathName = (typeof PATHS)[number];

/** Measured again with the underlay's offloads off. */
export const SEGMENTED: readonly PathName[] = ["host", "onehop-routed"];

/** Where a path starts and ends; it is built and answers. */
export interface BenchPath {
  readonly name: PathName;
  /** Network namespaces. */
  readonly from: string;
  readonly to: string;
  /** Of the receiver. */
  readonly address: string;
}
