import { type IncidentPhrase, type InstanceView, LIMITS, type Page, SCENE_TRAITS, type Transition, termsOf } from '@carillon/contracts'
import { type AlertRuleRecord, type DeliveryRecord, type IncidentRecord, shareOf } from '@carillon/store'
import { type AlertsParts, BY_ALERTS } from './alerts-parts.ts'
import { endedRuns } from './count-events.ts'
import { instanceOf } from './rules/facts.ts'
import { type Circumstances, wakeIncident } from './rules/incident.ts'
import { phrase } from './rules/phrases.ts'
import { alertId, incidentView } from './rules/views.ts'
import type { WriteIncidents } from './write-incidents.ts'

type Parts = Pick<AlertsParts, 'store' | 'clock' | 'log' | 'mesh'> & { readonly writeIncidents: WriteIncidents }

/** Looks at incidents whose time has come: announces what is owed, finds out whether they are over, reminds. Any gateway may, any number of times. */
export class AdvanceIncidents {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async execute(ids: readonly string[]): Promise<void> {
    const { store, log } = this.#parts
    for (const incident of await store.incidents.get(ids)) {
      if (incident === undefined) continue
      await this.#advance(incident).catch((error: unknown) =>
        log.warn({ evt: 'alerts.unadvanced', incident: incident.id, err: error }, 'an incident could not be handled; trying again'),
      )
    }
  }

  /** What is to be sent is stored before it counts as announced: a gateway that stops in between leaves what another one finishes. */
  async #advance(incident: IncidentRecord): Promise<void> {
    const { store, clock, writeIncidents } = this.#parts
    const now = clock.now()
    if (incident.wakeAt === null || incident.wakeAt > now) return
    const [rule] = await store.alertRules.get([alertId(incident.namespace, incident.rule)])
    const { change, announce } = wakeIncident(incident, await this.#circumstances(incident, rule), now)
    const after = change && 'write' in change ? change.write : incident
    const deliveries = rule ? announce.flatMap((transition) => deliveriesOf(after, { rule, transition, now })) : []
    if (deliveries.length > 0) await store.deliveries.insert(deliveries)
    await writeIncidents.write(incident, change)
  }

  async #circumstances(incident: IncidentRecord, rule: AlertRuleRecord | undefined): Promise<Circumstances> {
    const { namespace, cause, isShown, isCurrent } = incident
    const [job] = cause.kind === 'job' ? await this.#parts.store.jobs.get([alertId(namespace, cause.name)]) : []
    const isPaused = job?.state === 'paused'
    if (!rule || isShown === 0 || isCurrent === 0) return { rule, recovery: undefined, isPaused }
    if (cause.kind === 'job' && job === undefined) return { rule, recovery: phrase('job-removed'), isPaused }
    return { rule, recovery: await this.#recovery(incident, rule), isPaused }
  }

  async #recovery(incident: IncidentRecord, { rule }: AlertRuleRecord): Promise<IncidentPhrase | undefined> {
    const { store, clock } = this.#parts
    const { isCounted, recoverAfterMs } = SCENE_TRAITS[incident.scene]
    // What lasts is compared where its rule is.
    if (!isCounted) return undefined
    const terms = termsOf(rule)
    if (recoverAfterMs !== undefined) {
      if (clock.now() - incident.lastAt < terms.recoverAfterMs) return undefined
      return (await this.#isStillHung(incident)) ? undefined : phrase('nothing-for', { ms: terms.recoverAfterMs })
    }
    const { namespace, cause, lastAt, openedAt } = incident
    const of = cause.kind === 'job' ? { job: cause.name } : { handler: cause.name, since: openedAt - 3_600_000 }
    const runs = (await endedRuns(store, { namespace, ...of })).filter(({ endedAt }) => (endedAt ?? 0) > lastAt)
    const successes = runs.findIndex(({ state }) => state !== 'succeeded')
    const inRow = successes < 0 ? runs.length : successes
    if (inRow < terms.recoverAfter) return undefined
    return terms.recoverAfter === 1 ? phrase('succeeded', { run: runs[0]?.id ?? '' }) : phrase('succeeded-in-row', { count: inRow })
  }

  /** Whether an instance that the incident is about hangs all this time: that happens once, and lasts. */
  async #isStillHung({ scene, namespace, counted }: IncidentRecord): Promise<boolean> {
    if (scene !== 'instance-hung') return false
    const about = new Set(counted.map(({ id }) => instanceOf(id)))
    let cursor: string | undefined
    do {
      const input = { limit: LIMITS.pageSize, ...(cursor === undefined ? {} : { cursor }) }
      const page = (await this.#parts.mesh.call({ ...BY_ALERTS, name: 'instancesList', namespace, input })) as Page<InstanceView>
      if (page.items.some(({ instance, hung }) => hung === true && about.has(instance))) return true
      cursor = page.next
    } while (cursor !== undefined)
    return false
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
