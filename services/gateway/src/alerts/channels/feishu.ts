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

/** A request has at most 20 KB: some letters are six bytes in JSON. */
const TEXT_BYTES = 9_000
/** 11232: too fast, as many robots are on the full hour. Old robots answer `StatusCode` alone. */
const CODES = { members: ['code', 'StatusCode'], delivered: 0, busy: [11_232], afterMs: 30_000 }

/** A robot of a Feishu (Lark) group. The time is in seconds, and the secret signs nothing but itself. */
export const feishuChannel = (post: Post): Channel<Settings> => ({
  kind: 'feishu',
  limit: { count: 5, withinMs: 4_000 },
  noticesPerMessage: 20,
  async send(message, { url, secret, keyword = '' }) {
    const text = cutToBytes([`${keyword} ${titleOf(message)}`.trim(), ...linesOf(message)].join('\n'), TEXT_BYTES)
    const timestamp = String(Math.floor(message.at / 1_000))
    const sign = secret === undefined ? {} : { timestamp, sign: createHmac('sha256', `${timestamp}\n${secret}`).digest('base64') }
    const body = JSON.stringify({ ...sign, msg_type: 'text', content: { text: withoutMentions(text) } })
    return robotOutcome(await post(url, { body }), CODES)
  },
})

/** `<at user_id="all">` in a text would call everyone. */
const withoutMentions = (text: string) => text.replaceAll(/<(?=\/?at\b)/gi, '‹')
