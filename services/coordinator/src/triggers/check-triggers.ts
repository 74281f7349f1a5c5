import { refuseCycle } from '@carillon/contracts'
import type { TriggerChecks, TriggeredDefinition } from '../trigger-ports.ts'
import type { EventSources } from './event-sources.ts'
import { checkEventSubject } from './rules/event-subjects.ts'
import type { TriggeredJobs } from './triggered-jobs.ts'

/** Checks what fires a job that is put, and makes what reads its events before it is stored. */
export class CheckTriggers implements TriggerChecks {
  readonly #triggered: TriggeredJobs
  readonly #sources: EventSources

  constructor({ triggered, sources }: { triggered: TriggeredJobs; sources: EventSources }) {
    this.#triggered = triggered
    this.#sources = sources
  }

  /** @throws CarillonError INVALID_REQUEST of events that cannot be read, or a job that would start itself */
  async check(namespace: string, { name, on, afterJobs }: TriggeredDefinition): Promise<void> {
    if (!on && !afterJobs) return
    if (on) checkEventSubject(namespace, on.subject)
    // Another coordinator may have put a job just now, whose signal is under way.
    this.#triggered.changed()
    const all = await this.#triggered.all()
    if (afterJobs) {
      const others = all.filter((other) => other.namespace === namespace)
      const parents = new Map(others.map((other) => [other.name, other.afterJobs.map(({ job }) => job)]))
      const names = afterJobs.map(({ job }) => job)
      refuseCycle(name, names, (job) => parents.get(job) ?? [])
    }
    const subjects = all.flatMap((other) => (other.on ? [other.on.subject] : []))
    if (!on) return
    const { refused } = await this.#sources.reconcile([...subjects, on.subject], { keeps: true })
    const refusal = refused.get(on.subject)
    if (refusal) throw refusal
  }

  async checkEvents(namespace: string, subject: string): Promise<void> {
    checkEventSubject(namespace, subject)
    const refusal = await this.#sources.refusalOf(subject)
    if (refusal) throw refusal
  }
}
