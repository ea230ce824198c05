/**
 * Where the two ends run. A bulk sender's processor also does the work of the whole path, up to the receiver's socket; a
 * question and its answer share one, so that waking an idle processor is not what is measured.
 */
export const CPU = { sender: "0", receiver: "1", conversation: "0" } as const;
