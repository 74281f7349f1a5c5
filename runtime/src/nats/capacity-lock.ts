import { jitter, pause, systemClock } from '@carillon/wire/internal'
import { DiscardPolicy, type JetStreamManager, StorageType } from '@nats-io/jetstream'
import { freshServiceId } from '../ids.ts'

/** Error code of the server. */
const NAME_IN_USE = 10058
/** Errors of JetStream itself begin here; lower codes mean that it cannot answer now. */
const FIRST_API_ERROR = 10_000
const LOCK = {
  name: 'carillon_capacity',
  storage: StorageType.Memory,
  discard: DiscardPolicy.New,
  max_bytes: 1_024,
} as const
/** The broker needs some milliseconds for what is done under the lock. */
const RETRY_WITHIN_MS = 20
/** A holder that died is certain by then: requests to the broker end after 5 s. */
const STALE_AFTER_MS = 6_000

/**
 * Runs a request that reserves storage while no other service makes one. nats-server compares what is asked with what is free and reserves it in
 * two steps, so of two requests in the same moment both may pass; from then on it refuses every change of a stream, also to a smaller one, until
 * it has more room.
 *
 * The lock is a small stream in memory: the broker refuses a stream whose name is in use with another description, so one service holds it. One
 * that died in the meantime loses it after 6 s.
 */
export async function withCapacityLock<T>(manager: JetStreamManager, act: () => Promise<T>): Promise<T> {
  const isHeld = await acquire(manager)
  try {
    return await act()
  } finally {
    // Of a connection that breaks now others wait until the lock is stale.
    if (isHeld) await answerOf(manager.streams.delete(LOCK.name)).catch(() => undefined)
  }
}

/** False where the broker takes no such stream, because it has no memory for one or as many streams as it may: then there is no lock. */
async function acquire(manager: JetStreamManager): Promise<boolean> {
  const description = freshServiceId('capacity')
  let holder = { created: '', since: systemClock.monotonic() }
  for (;;) {
    const added = await answerOf(manager.streams.add({ ...LOCK, description }))
    if (added !== NAME_IN_USE) return typeof added !== 'number'
    const created = await creationOf(manager)
    if (created !== holder.created) holder = { created, since: systemClock.monotonic() }
    else if (systemClock.monotonic() - holder.since > STALE_AFTER_MS) await answerOf(manager.streams.delete(LOCK.name))
    await pause(systemClock, jitter(RETRY_WITHIN_MS))
  }
}

/** Of the lock that another service holds; empty when it has been released in this moment. */
async function creationOf(manager: JetStreamManager): Promise<string> {
  const found = await answerOf(manager.streams.info(LOCK.name))
  return typeof found === 'number' ? '' : found.created
}

/** What the broker answers, or the code with which it refuses. A broker that does not answer is a fault. */
async function answerOf<T>(request: Promise<T>): Promise<T | number> {
  try {
    return await request
  } catch (error) {
    const { code } = error as { code?: number }
    if (code === undefined || code < FIRST_API_ERROR) throw error
    return code
  }
}
