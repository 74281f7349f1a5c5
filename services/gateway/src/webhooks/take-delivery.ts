import { type AuditOrigin, CarillonError, isName, type StartedRun } from '@carillon/contracts'
import { type Clock, freshSecret } from '@carillon/runtime'
import type { WebhookStore } from '@carillon/store'
import type { CallMesh } from '../mesh/call-mesh.ts'
import { payloadOf } from './rules/payload.ts'
import { type Delivery, keyOfDelivery, verify } from './rules/signatures.ts'

/** Starts runs by deliveries of other systems. */
export class TakeDelivery {
  readonly #webhooks: WebhookStore
  readonly #mesh: CallMesh
  readonly #clock: Clock
  /** Of jobs that have no webhook: what is refused takes as long as a wrong signature does. */
  readonly #decoy = freshSecret(32).toString('base64')

  constructor({ webhooks, mesh, clock }: { webhooks: WebhookStore; mesh: CallMesh; clock: Clock }) {
    this.#webhooks = webhooks
    this.#mesh = mesh
    this.#clock = clock
  }

  /** @throws CarillonError WEBHOOK_REFUSED: the same whether there is such a job; JOB_NOT_FOUND once the signature is right, and what a start refuses */
  async execute({
    namespace,
    job,
    origin,
    ...delivery
  }: Delivery & { namespace: string; job: string; origin: AuditOrigin }): Promise<StartedRun> {
    const isPossible = isName(namespace) && isName(job)
    const webhook = isPossible ? await this.#webhooks.get(`${namespace}/${job}`) : undefined
    const secrets = webhook?.secrets.map(({ secret }) => secret) ?? [this.#decoy]
    const verified = verify(delivery, secrets, this.#clock.now())
    if (!verified || !webhook) throw new CarillonError('WEBHOOK_REFUSED', 'No signature of this delivery is right for this address, now')
    const payload = payloadOf(delivery.body, String(delivery.headers['content-type'] ?? ''))
    const by = `webhook ${verified.scheme}`
    // A start would take the name of a job that was removed for one of a handler.
    await this.#mesh.call({ name: 'jobsGet', namespace, input: { name: job }, by, origin })
    const input = { job, ...(payload === null ? {} : { payload }), key: keyOfDelivery(job, verified) }
    return (await this.#mesh.call({ name: 'jobsRun', namespace, input, by, origin })) as StartedRun
  }
}
