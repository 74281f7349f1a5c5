/** The gateway sends a comment at least this often. */
export const HEARTBEAT_MS = 15_000
/** Nothing for this long: the connection is dead, although nobody has closed it. */
export const SILENCE_MS = HEARTBEAT_MS * 2.5
/** Nothing for this long: what is shown may be old. */
export const LATE_MS = HEARTBEAT_MS * 1.4

const FIRST_DELAY_MS = 300
const LONGEST_DELAY_MS = 15_000

/** How long to wait before try `n` (from 0): doubled each time, and spread, so that a restarted gateway is not met by all at once. */
export function retryDelayMs(tries: number, chance: number): number {
  const longest = Math.min(FIRST_DELAY_MS * 2 ** tries, LONGEST_DELAY_MS)
  return Math.round(longest / 2 + (longest / 2) * chance)
}

/** What the stream says of itself. */
export type StreamState = 'connecting' | 'live' | 'behind' | 'reconnecting'

export function liveState(silentMs: number): StreamState {
  return silentMs > LATE_MS ? 'behind' : 'live'
}

/** What must be added and removed so that exactly `wanted` is subscribed. */
export function topicChanges(active: ReadonlySet<string>, wanted: ReadonlySet<string>): { add: string[]; remove: string[] } {
  return { add: [...wanted].filter((topic) => !active.has(topic)), remove: [...active].filter((topic) => !wanted.has(topic)) }
}

/** A message of the stream, see docs/STREAMS.md. */
export interface StreamMessage {
  readonly event: 'change' | 'log'
  readonly topic: string
  /** Of a change: what it is about, `run`, `job`, `instance`, …, its name, and what happened to it. */
  readonly noun: string
  readonly name: string
  readonly what: string
  /** The message as it travels in the mesh. */
  readonly body: Readonly<Record<string, unknown>>
}

/** What a message of the stream means; undefined: nothing that this console knows. */
export type StreamNews =
  | { readonly kind: 'hello'; readonly stream: string }
  | { readonly kind: 'resync'; readonly topics: readonly string[] | undefined }
  | { readonly kind: 'message'; readonly message: StreamMessage }

export function readNews(event: string | undefined, text: string): StreamNews | undefined {
  let data: Record<string, unknown>
  try {
    data = JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
  if (event === 'hello') return { kind: 'hello', stream: String(data['stream']) }
  if (event === 'resync') return { kind: 'resync', topics: Array.isArray(data['topics']) ? data['topics'].map(String) : undefined }
  if (event !== 'change' && event !== 'log') return undefined
  const { topic, noun = '', name = '', what = '', body } = data
  const message = {
    event,
    topic: String(topic),
    noun: String(noun),
    name: String(name),
    what: String(what),
    body: (body ?? {}) as StreamMessage['body'],
  } as const
  return { kind: 'message', message }
}
