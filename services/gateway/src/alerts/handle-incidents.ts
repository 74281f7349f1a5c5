import { CarillonError, type IncidentView, printable } from '@carillon/contracts'
import type { IncidentRecord } from '@carillon/store'
import type { AlertsParts } from './alerts-parts.ts'
import type { IncidentEvent } from './incident-events.ts'
import { incidentNotFound, incidentView } from './rules/views.ts'

type Parts = Pick<AlertsParts, 'store' | 'clock' | 'turns' | 'events'>

/** What people do about incidents. */
export class HandleIncidents {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws CarillonError INCIDENT_NOT_FOUND, INCIDENT_OVER */
  acknowledge(namespace: string, { id, note }: { id: string; note?: string | undefined }, by: string | undefined): Promise<IncidentView> {
    const at = this.#parts.clock.now()
    const acknowledged = { at, by: by ?? 'someone', ...(note === undefined ? {} : { note }) }
    return this.#change({ namespace, id }, 'acknowledged', { acknowledged })
  }

  /** @throws CarillonError INCIDENT_NOT_FOUND, INCIDENT_OVER */
  snooze(namespace: string, { id, forMs }: { id: string; forMs: number }): Promise<IncidentView> {
    const snoozedUntil = forMs === 0 ? null : this.#parts.clock.now() + forMs
    return this.#change({ namespace, id }, 'snoozed', { snoozedUntil })
  }

  async #change(
    { namespace, id }: { namespace: string; id: string },
    what: IncidentEvent,
    set: Partial<IncidentRecord>,
  ): Promise<IncidentView> {
    const { store, turns, events } = this.#parts
    const changed = await turns.take({ kind: 'incident', id, name: id, field: 'id' }, async () => {
      const [before] = await store.incidents.get([id])
      if (before?.namespace !== namespace || before.isShown === 0) throw incidentNotFound(id)
      if (before.isCurrent === 0)
        throw new CarillonError('INCIDENT_OVER', `incident ${id} is over: ${before.recovery}`, { field: 'id', value: printable(id) })
      const next: IncidentRecord = { ...before, ...set, revision: before.revision + 1 }
      return (await store.incidents.replace(next, before)) === 'applied' ? next : undefined
    })
    events.publish(what, changed)
    return incidentView(changed)
  }
}
