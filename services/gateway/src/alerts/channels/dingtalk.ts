import { createHmac } from 'node:crypto'
import type { Channel } from './channel.ts'
import type { Post } from './http-post.ts'
import { robotOutcome } from './robots.ts'
import { cutToBytes, linesOf, titleOf } from './texts.ts'

interface Settings {
  readonly url: string
  readonly secret?: string
  readonly keyword?: string
}

const TEXT_BYTES = 20_000
/** A robot that has sent more than 20 in a minute is mute for ten. 410100 and 130101 say so. */
const CODES = { members: ['errcode'], delivered: 0, busy: [410_100, 130_101], afterMs: 600_000 }

/** A robot of a DingTalk group. It keeps below the limit, and sends digests instead of more messages. */
export const dingtalkChannel = (post: Post): Channel<Settings> => ({
  kind: 'dingtalk',
  limit: { count: 18, withinMs: 60_000 },
  noticesPerMessage: 20,
  async send(message, { url, secret, keyword = '' }) {
    const content = cutToBytes([`${keyword} ${titleOf(message)}`.trim(), ...linesOf(message)].join('\n'), TEXT_BYTES)
    const body = JSON.stringify({ msgtype: 'text', text: { content } })
    return robotOutcome(await post(secret === undefined ? url : signed(url, { secret, at: message.at }), { body }), CODES)
  },
})

/** The time in milliseconds, and its signature, in the query. */
function signed(text: string, { secret, at }: { secret: string; at: number }): string {
  const url = new URL(text)
  url.searchParams.set('timestamp', String(at))
  url.searchParams.set('sign', createHmac('sha256', secret).update(`${at}\n${secret}`).digest('base64'))
  return url.href
}
