import { SHARES } from '@carillon/store'

/** Which of the live coordinators owns each share, by rendezvous hashing: a change of membership moves only the shares it must. */
export function sharesOf(id: string, live: readonly string[]): number[] {
  const shares: number[] = []
  for (let share = 0; share < SHARES; share++) if (ownerOf(share, live) === id) shares.push(share)
  return shares
}

function ownerOf(share: number, live: readonly string[]): string | undefined {
  let owner: string | undefined
  let best = -1
  for (const id of live) {
    const weight = weigh(`${share}/${id}`)
    if (weight > best || (weight === best && owner !== undefined && id < owner)) {
      best = weight
      owner = id
    }
  }
  return owner
}

/** FNV-1a with a final mix: the plain hash of texts that differ in one letter is too even to split fairly. */
function weigh(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
