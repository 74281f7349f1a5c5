import { setTimeout } from 'node:timers/promises'
import { MongoNetworkTimeoutError } from 'mongodb'

/** More than the driver's own limit for silence on a socket (30 s), which says better what is wrong. */
const ANSWER_WITHIN_MS = 35_000

/**
 * A command's answer, or an error like that of a broken connection. The driver (7.5.0) waits for ever when a socket closes while a large
 * command is still being written: it waits for `drain`, which never comes.
 */
export async function orNoAnswer<Answer>(answer: Promise<Answer>, withinMs = ANSWER_WITHIN_MS): Promise<Answer> {
  const answered = new AbortController()
  const silence = setTimeout(withinMs, undefined, { signal: answered.signal }).then(() => {
    throw new MongoNetworkTimeoutError(`no answer within ${withinMs} ms`)
  })
  try {
    return await Promise.race([answer, silence])
  } finally {
    answered.abort()
  }
}
