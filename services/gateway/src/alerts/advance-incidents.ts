import { SCENE_TRAITS, type Transition, termsOf } from '@carillon/contracts'
import { type AlertRuleRecord, type DeliveryRecord, type IncidentRecord, shareOf } from '@carillon/store'
import type { AlertsParts } from './alerts-parts.ts'
import { endedRuns } from './count-events.ts'
import { type Circumstances, wakeIncident } from './rules/incident.ts'
import { alertId, incidentView } from './rules/views.ts'
import type { WriteIncidents } from './write-incidents.ts'

type Parts = Pick<AlertsParts, 'store' | 'clock'> & { readonly writeIncidents: WriteIncidents }

/** Looks at incidents whose time has come: announces what is owed, finds out whether they are over, reminds. Any gateway may, any number of times. */
export class AdvanceIncidents {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @returns how many deliveries were made */
  async execute(ids: readonly string[]): Promise<number> {
    let made = 0
    for (const incident of await this.#parts.store.incidents.get(ids)) if (incident) made += await this.#advance(incident)
    return made
  }

  /** What is to be sent is stored before it counts as announced: a gateway that stops in between leaves what another one finishes. */
  async #advance(incident: IncidentRecord): Promise<number> {
    const { store, clock, writeIncidents } = this.#parts
    const now = clock.now()
    if (incident.wakeAt === null || incident.wakeAt > now) return 0
    const [rule] = await store.alertRules.get([alertId(incident.namespace, incident.rule)])
    const { change, announce } = wakeIncident(incident, await this.#circumstances(incident, rule), now)
    const after = change && 'write' in change ? change.write : incident
    const deliveries = rule ? announce.flatMap((transition) => deliveriesOf(after, { rule, transition, now })) : []
    if (deliveries.length > 0) await store.deliveries.insert(deliveries)
    await writeIncidents.write(incident, change)
    return deliveries.length
  }

  async #circumstances(incident: IncidentRecord, rule: AlertRuleRecord | undefined): Promise<Circumstances> {
    const { namespace, cause, isShown, isCurrent } = incident
    const [job] = cause.kind === 'job' ? await this.#parts.store.jobs.get([alertId(namespace, cause.name)]) : []
    const isPaused = job?.state === 'paused'
    if (!rule || isShown === 0 || isCurrent === 0) return { rule, recovery: undefined, isPaused }
    if (cause.kind === 'job' && job === undefined) return { rule, recovery: 'its job was removed', isPaused }
    return { rule, recovery: await this.#recovery(incident, rule), isPaused }
  }

  async #recovery(incident: IncidentRecord, { rule }: AlertRuleRecord): Promise<string | undefined> {
    const { store, clock } = this.#parts
    const { isCounted, recoverAfterMs } = SCENE_TRAITS[incident.scene]
    // What lasts is compared where its rule is.
    if (!isCounted) return undefined
    const terms = termsOf(rule)
    if (recoverAfterMs !== undefined)
      return clock.now() - incident.lastAt >= terms.recoverAfterMs
        ? `nothing of it has happened for ${terms.recoverAfterMs / 1_000} s`
        : undefined
    const { namespace, cause, lastAt, openedAt } = incident
    const of = cause.kind === 'job' ? { job: cause.name } : { handler: cause.name, since: openedAt - 3_600_000 }
    const runs = (await endedRuns(store, { namespace, ...of })).filter(({ endedAt }) => (endedAt ?? 0) > lastAt)
    const successes = runs.findIndex(({ state }) => state !== 'succeeded')
    const inRow = successes < 0 ? runs.length : successes
    if (inRow < terms.recoverAfter) return undefined
    return terms.recoverAfter === 1 ? `run ${runs[0]?.id} has succeeded` : `${inRow} runs in a row have succeeded`
  }
}

function deliveriesOf(
  incident: IncidentRecord,
  { rule, transition, now }: { rule: AlertRuleRecord; transition: Transition; now: number },
): DeliveryRecord[] {
  const step = transition === 'reminder' ? `reminder-${incident.reminders}` : transition
  return [...new Set(rule.rule.channels)].map((channel) => {
    const id = `${incident.id}.${step}.${channel}`
    return {
      ...{ id, namespace: incident.namespace, incident: incident.id, channel: alertId(incident.namespace, channel), transition },
      message: incidentView(incident),
      ...{ state: 'waiting' as const, tries: 0, answer: null, at: now, sentAt: null, revision: 1, share: shareOf(id), wakeAt: now },
    }
  })
}
