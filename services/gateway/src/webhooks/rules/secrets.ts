import type { WebhookRecord, WebhookSecret } from '@carillon/store'

/** While a sender changes from one to the other, both are right. */
const SECRETS = 2

/** The secrets once `fresh` is made: the one before it stays valid, those before that do not. */
export const rotated = (secrets: readonly WebhookSecret[], fresh: WebhookSecret): readonly WebhookSecret[] =>
  [fresh, ...secrets].slice(0, SECRETS)

/** A webhook as it is shown: without its secrets. */
export function webhookView({ namespace, job, secrets, by, createdAt, updatedAt }: WebhookRecord, origin: string | undefined): WebhookView {
  return {
    job,
    url: `${origin ?? ''}/hooks/${namespace}/${job}`,
    secrets: secrets.map(({ id, createdAt: madeAt }) => ({ id, createdAt: timeOf(madeAt) })),
    ...(by === null ? {} : { by }),
    createdAt: timeOf(createdAt),
    updatedAt: timeOf(updatedAt),
  }
}

export interface WebhookView {
  readonly job: string
  /** Where deliveries are sent: a path if the gateway does not know its own origin. */
  readonly url: string
  readonly secrets: readonly { readonly id: string; readonly createdAt: string }[]
  readonly by?: string
  readonly createdAt: string
  readonly updatedAt: string
}

const timeOf = (ms: number): string => new Date(ms).toISOString()
