import type { Clock } from '../time/clock.ts'

export interface LeadershipOptions {
  /** The same for all tabs that choose one leader among them. */
  readonly name: string
  /** Of this tab. */
  readonly tab: string
  readonly clock: Clock
  /** Called when this tab leads, at most once. */
  readonly onLead: () => void
  /** Called when another tab turns out to lead as well, and this one gives way. */
  readonly onYield: () => void
}

const SIGN_MS = 1_000
/** A tab in the background is woken once a second at best, and once a minute when it has been there for long: it closes its stream late, not never. */
const GONE_MS = 3_500

/** One tab of a browser leads, until it is closed. @returns gives the lead up */
export function seekLead(options: LeadershipOptions): () => void {
  // Locks exist in secure contexts only: not on plain HTTP in a local network.
  const locks = typeof navigator === 'undefined' ? undefined : navigator.locks
  return locks === undefined ? seekBySigns(options) : seekByLock(options, locks)
}

function seekByLock({ name, onLead }: LeadershipOptions, locks: LockManager): () => void {
  const abort = new AbortController()
  const released = new Promise<void>((resolve) => abort.signal.addEventListener('abort', () => resolve()))
  locks
    .request(name, { signal: abort.signal }, () => {
      onLead()
      return released
    })
    .catch((error: unknown) => {
      if (!abort.signal.aborted) throw error
    })
  return () => abort.abort()
}

/** Without locks: who leads says so every second; when nobody does for a while, a tab tries; of two the lesser name stays. */
export function seekBySigns({ name, tab, clock, onLead, onYield }: LeadershipOptions): () => void {
  const channel = new BroadcastChannel(`${name}-lead`)
  let isLeader = false
  let isStopped = false
  let heardAt = clock.now() - GONE_MS + SIGN_MS
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    const other = String(data)
    if (isLeader && tab < other) return channel.postMessage(tab)
    heardAt = clock.now()
    if (isLeader) onYield()
    isLeader = false
  }
  const beat = () => {
    if (isStopped) return
    if (!isLeader && clock.now() - heardAt > GONE_MS) {
      isLeader = true
      onLead()
    }
    if (isLeader) channel.postMessage(tab)
    cancel = clock.after(SIGN_MS, beat)
  }
  let cancel = clock.after(SIGN_MS, beat)
  return () => {
    isStopped = true
    cancel()
    channel.close()
  }
}
