import { subjects } from '@carillon/contracts'
import { type Logger, publishUntilTaken, type StreamPublisher } from '@carillon/runtime'
import type { IncidentRecord } from '@carillon/store'
import { incidentView } from './rules/views.ts'

export type IncidentEvent = 'opened' | 'recovered' | 'acknowledged' | 'snoozed'

/** Publishes `event.incident.<id>.<what>`, for who watches: what is sent to channels does not depend on it. */
export class IncidentEvents {
  readonly #publisher: StreamPublisher
  readonly #log: Logger

  constructor({ publisher, log }: { publisher: StreamPublisher; log: Logger }) {
    this.#publisher = publisher
    this.#log = log
  }

  /** What a write has changed, if that is an event. */
  written(before: IncidentRecord | undefined, after: IncidentRecord): void {
    const isNew = before?.id !== after.id || before.isShown === 0
    if (after.isShown === 1 && isNew) this.publish('opened', after)
    if (after.isShown === 1 && after.isCurrent === 0 && before?.isCurrent === 1) this.publish('recovered', after)
  }

  publish(what: IncidentEvent, incident: IncidentRecord): void {
    const { namespace, id, revision } = incident
    const subject = subjects.event(namespace, 'incident', id, what)
    const message = { subject, body: JSON.stringify(incidentView(incident)), messageId: `incident-${id}-${revision}-${what}` }
    publishUntilTaken(this.#publisher, message, (refusal) => {
      if (refusal)
        this.#log.error({ evt: 'event.refused', subject, refusal: refusal.message }, 'an event was not stored; the store has the incident')
    })
  }
}
