/** Frames: built from layers, read tolerantly, compared field by field. Browser-safe. */
export * from "./bytes.ts";
export { decode, decodePacket, VXLAN_PORT } from "./decode.ts";
export { describe } from "./describe.ts";
export { diffFrames } from "./diff.ts";
export { frame } from "./encode.ts";
export * from "./layers.ts";
export * from "./learning.ts";
export { siphash } from "./siphash.ts";
