const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const TIME_LETTERS = 10
const RANDOM_LETTERS = 16
const LAST_COUNT = 32 ** 4 - 1

/** What a fresh run id looks like: 26 letters, 10 of time and 16 of randomness; derived ids begin with a letter, those of slots go on with the slot's time. No `-`, which begins the index of a task. */
export const RUN_ID = /^[0-9a-z]{16,48}$/

/**
 * A source of fresh run ids: unique without a round trip, and sorting by the time they were made (within one source strictly).
 * @param now milliseconds since 1970
 * @param randomBytes fills its argument with random bytes
 */
export function createIdSource(now: () => number, randomBytes: (into: Uint8Array) => void): () => string {
  const random = new Uint8Array(RANDOM_LETTERS)
  let lastMs = -1
  let prefix = ''
  let tail = ''
  let counter = 0
  return () => {
    const ms = now()
    // A clock that is set back, or stands still for a million ids, must not unsort them.
    if (ms > lastMs || counter > LAST_COUNT) {
      lastMs = Math.max(ms, lastMs + 1)
      counter = 0
      prefix = timeLetters(lastMs)
      randomBytes(random)
      tail = Array.from(random.subarray(0, RANDOM_LETTERS - 4), (byte) => ALPHABET[byte & 31]).join('')
    }
    return prefix + encode(counter++, 4) + tail
  }
}

/** Milliseconds since 1970 as 10 letters that sort by time. */
export const timeLetters = (ms: number) => encode(ms, TIME_LETTERS)

function encode(value: number, letters: number): string {
  let text = ''
  for (let rest = value, i = 0; i < letters; i++, rest = Math.floor(rest / 32)) text = ALPHABET[rest % 32] + text
  return text
}

/** Whether an id is that of a task of a run with many. */
export const isTaskId = (id: string) => id.includes('-')
/** The id of a task of a run with many; the only task of a single run has the run's own id. */
export const taskIdOf = (runId: string, index: number) => `${runId}-${index}`
