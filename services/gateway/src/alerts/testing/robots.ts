import { createHmac } from 'node:crypto'
import type { Received, Receiver } from './receiver.ts'

/** What a robot has shown in its group. */
export interface Group {
  readonly texts: string[]
  /** Messages that it did not take because of its limit. */
  refused: number
}

const SECRET = 'SEC-of-the-robot'
const KEYWORD = 'carillon'
const HOUR_MS = 3_600_000
export const ROBOT = { secret: SECRET, keyword: KEYWORD }

const sha = (key: string, text: string) => createHmac('sha256', key).update(text).digest('base64')
const ok = (body: object) => ({ status: 200, body: JSON.stringify(body) })

/** More than so many in a minute, and a robot is mute for ten. */
function limited(group: Group, perMinute: number): () => boolean {
  const times: number[] = []
  let muteUntil = 0
  return () => {
    const now = Date.now()
    times.push(now)
    if (times.filter((at) => at > now - 60_000).length > perMinute) muteUntil = now + 600_000
    if (now < muteUntil) group.refused++
    return now < muteUntil
  }
}

/** Has the receiver answer at `/dingtalk`, `/wecom`, `/feishu` and `/slack` as those do: with HTTP 200 whatever is wrong, but for Slack. */
export function answerAsRobots(receiver: Receiver): Readonly<Record<'dingtalk' | 'wecom' | 'feishu' | 'slack', Group>> {
  const groups = {
    dingtalk: { texts: [], refused: 0 } as Group,
    wecom: { texts: [], refused: 0 } as Group,
    feishu: { texts: [], refused: 0 } as Group,
    slack: { texts: [], refused: 0 } as Group,
  }
  const isMute = { dingtalk: limited(groups.dingtalk, 20), wecom: limited(groups.wecom, 20), feishu: limited(groups.feishu, 100) }
  const robots: Record<string, (received: Received) => ReturnType<Receiver['answers']>> = {
    dingtalk({ path, body }) {
      const query = new URL(path, receiver.url).searchParams
      const at = Number(query.get('timestamp'))
      if (query.get('access_token') !== 't') return ok({ errcode: 300_001, errmsg: 'token is not exist' })
      if (query.get('sign') !== sha(SECRET, `${at}\n${SECRET}`) || Math.abs(Date.now() - at) > HOUR_MS)
        return ok({ errcode: 310_000, errmsg: 'sign not match' })
      const { content } = JSON.parse(body).text
      if (!content.includes(KEYWORD)) return ok({ errcode: 310_000, errmsg: 'keywords not in content' })
      if (isMute.dingtalk()) return ok({ errcode: 130_101, errmsg: 'send too fast, exceed 20 times per minute' })
      groups.dingtalk.texts.push(content)
      return ok({ errcode: 0, errmsg: 'ok' })
    },
    wecom({ path, body }) {
      if (new URL(path, receiver.url).searchParams.get('key') !== 'k') return ok({ errcode: 93_000, errmsg: 'invalid webhook url' })
      const { content } = JSON.parse(body).text
      if (Buffer.byteLength(content) > 2_048) return ok({ errcode: 40_058, errmsg: 'text.content exceed max length 2048' })
      if (isMute.wecom()) return ok({ errcode: 45_009, errmsg: 'api freq out of limit' })
      groups.wecom.texts.push(content)
      return ok({ errcode: 0, errmsg: 'ok' })
    },
    feishu({ body }) {
      const { timestamp, sign, content } = JSON.parse(body)
      if (sign !== sha(`${timestamp}\n${SECRET}`, '') || Math.abs(Date.now() / 1_000 - Number(timestamp)) > HOUR_MS / 1_000)
        return ok({ code: 19_021, msg: 'sign match fail or timestamp is not within one hour from current time' })
      if (Buffer.byteLength(body) > 20_480) return ok({ code: 9_499, msg: 'Bad Request' })
      if (!content.text.includes(KEYWORD)) return ok({ code: 19_024, msg: 'Key Words Not Found' })
      if (isMute.feishu()) return ok({ code: 11_232, msg: 'frequency limited psm' })
      groups.feishu.texts.push(content.text)
      return ok({ code: 0, msg: 'success', data: {} })
    },
    slack({ body }) {
      const { text, blocks } = JSON.parse(body)
      if (!Array.isArray(blocks) || blocks[0].text.text.length > 150) return { status: 400, body: 'invalid_blocks' }
      groups.slack.texts.push(text)
      return { status: 200, body: 'ok' }
    },
  }
  receiver.answers = (received) =>
    robots[received.path.slice(1).split('?')[0] as string]?.(received) ?? { status: 404, body: 'no such robot' }
  return groups
}
