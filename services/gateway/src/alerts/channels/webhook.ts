import { createHmac } from 'node:crypto'
import type { Channel, Notice } from './channel.ts'
import { isOutcome, outcomeOf, type Post } from './http-post.ts'

interface Settings {
  readonly url: string
  /** As Standard Webhooks writes them: `whsec_` and base64. Each signs. */
  readonly secrets: readonly string[]
}

/** A signed message to a program, as https://www.standardwebhooks.com describes it. */
export const webhookChannel = (post: Post): Channel<Settings> => ({
  kind: 'webhook',
  limit: { count: 600, withinMs: 60_000 },
  noticesPerMessage: 1,
  async send({ id, notices, at }, { url, secrets }) {
    const body = JSON.stringify(bodyOf(notices[0] as Notice, at))
    const timestamp = Math.floor(at / 1_000)
    const signed = `${id}.${timestamp}.${body}`
    const signatures = secrets.map((secret) => `v1,${createHmac('sha256', keyOf(secret)).update(signed).digest('base64')}`)
    const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signatures.join(' ') }
    const answer = await post(url, { body, headers })
    return isOutcome(answer) ? answer : outcomeOf(answer)
  },
})

const keyOf = (secret: string) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64')

/** What a program gets: of a webhook its body, of NATS the message. */
export const bodyOf = ({ namespace, transition, incident }: Notice, at: number) => ({
  type: `incident.${transition}`,
  timestamp: new Date(at).toISOString(),
  data: { namespace, transition, incident },
})
