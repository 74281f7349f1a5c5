/** The key space is cut into this many shares; live coordinators split them by rendezvous hashing. */
export const SHARES = 64

/** The share of an id: FNV-1a, the same in every process and version. */
export function shareOf(id: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % SHARES
}
