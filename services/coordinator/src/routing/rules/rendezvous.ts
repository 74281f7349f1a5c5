import { createHash } from 'node:crypto'

/** Parts of a hash that a double holds exactly. */
const BITS = 2 ** 52

/**
 * The instance with the highest score for a key: rendezvous hashing, so that of n + 1 instances the one that joins takes about 1/(n + 1) of all keys, each
 * from the one that had it, and no other key moves. The weight is the same for all.
 */
export function byRendezvous<Named extends { readonly instance: string }>(candidates: readonly Named[], key: string): Named | undefined {
  let best: Named | undefined
  let highest = 0
  for (const candidate of candidates) {
    const score = scoreOf(candidate.instance, key)
    if (best === undefined || score > highest || (score === highest && candidate.instance < best.instance)) {
      best = candidate
      highest = score
    }
  }
  return best
}

function scoreOf(instance: string, key: string): number {
  const digest = createHash('sha256').update(`${instance}\n${key}`).digest()
  const bits = digest.readUInt32BE(0) * 2 ** 20 + (digest.readUInt32BE(4) >>> 12)
  // Strictly between 0 and 1.
  return -1 / Math.log((bits + 0.5) / BITS)
}
