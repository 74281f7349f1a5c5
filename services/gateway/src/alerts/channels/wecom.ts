import type { Channel } from './channel.ts'
import type { Post } from './http-post.ts'
import { robotOutcome } from './robots.ts'
import { cutToBytes, linesOf, titleOf } from './texts.ts'

interface Settings {
  /** Its key is the secret: nothing is signed. */
  readonly url: string
}

const TEXT_BYTES = 2_048
/** 45009: more than 20 in a minute. */
const CODES = { members: ['errcode'], delivered: 0, busy: [45_009], afterMs: 60_000 }

/** A robot of a WeCom group. */
export const wecomChannel = (post: Post): Channel<Settings> => ({
  kind: 'wecom',
  limit: { count: 18, withinMs: 60_000 },
  noticesPerMessage: 10,
  async send(message, { url }) {
    const content = cutToBytes([titleOf(message), ...linesOf(message)].join('\n'), TEXT_BYTES)
    return robotOutcome(await post(url, { body: JSON.stringify({ msgtype: 'text', text: { content } }) }), CODES)
  },
})
