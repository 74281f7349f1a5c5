/**
 * What was known to be queued longer ago than this may have been taken over, published and run since: this process was suspended. Shorter than
 * the silence after which a coordinator is dead, less one heartbeat.
 */
export const KNOWN_FOR_MS = 3_000
