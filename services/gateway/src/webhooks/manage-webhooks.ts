import { CarillonError, printable } from '@carillon/contracts'
import { type Clock, freshSecret, RecordTurns } from '@carillon/runtime'
import type { WebhookRecord, WebhookStore } from '@carillon/store'
import { rotated } from './rules/secrets.ts'

/** Which webhook, and who asks. */
export interface OfWebhook {
  readonly namespace: string
  readonly job: string
  readonly by: string
}

/** Bytes of a secret that is made here: those of the HMAC. */
const SECRET_BYTES = 32
const ID_BYTES = 6

/** Makes, rotates and removes the secrets by which other systems start runs. */
export class ManageWebhooks {
  readonly #webhooks: WebhookStore
  readonly #clock: Clock
  readonly #turns: RecordTurns

  constructor({ webhooks, clock }: { webhooks: WebhookStore; clock: Clock }) {
    this.#webhooks = webhooks
    this.#clock = clock
    this.#turns = new RecordTurns(clock)
  }

  /** @throws CarillonError WEBHOOK_NOT_FOUND */
  async get(namespace: string, job: string): Promise<WebhookRecord> {
    const webhook = await this.#webhooks.get(idOf(namespace, job))
    if (webhook) return webhook
    throw new CarillonError('WEBHOOK_NOT_FOUND', `Job ${printable(job)} has no webhook`, { field: 'job', value: printable(job) })
  }

  /**
   * Adds a secret; the one before it stays valid beside it.
   * @param given of a sender that makes its own secrets, as Stripe does; undefined: one is made
   */
  async add({ namespace, job, by }: OfWebhook, given: string | undefined): Promise<{ webhook: WebhookRecord; secret: string }> {
    const id = idOf(namespace, job)
    const secret = given ?? `whsec_${freshSecret(SECRET_BYTES).toString('base64')}`
    const webhook = await this.#turns.take({ kind: 'webhook', id, name: job, field: 'job' }, async () => {
      const now = this.#clock.now()
      const fresh = { id: freshSecret(ID_BYTES).toString('hex'), secret, createdAt: now }
      const there = await this.#webhooks.get(id)
      if (there) {
        const changed = { ...there, secrets: rotated(there.secrets, fresh), by, revision: there.revision + 1, updatedAt: now }
        return (await this.#webhooks.replace(changed, { revision: there.revision })) === 'applied' ? changed : undefined
      }
      const made = { id, namespace, job, secrets: [fresh], by, revision: 1, createdAt: now, updatedAt: now }
      return (await this.#webhooks.insert(made)) === 'created' ? made : undefined
    })
    return { webhook, secret }
  }

  /** No delivery is taken any more. @throws CarillonError WEBHOOK_NOT_FOUND */
  async remove(namespace: string, job: string): Promise<void> {
    await this.get(namespace, job)
    await this.#webhooks.remove(idOf(namespace, job))
  }
}

const idOf = (namespace: string, job: string): string => `${namespace}/${job}`
