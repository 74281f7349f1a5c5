import type { LifeChange } from '@carillon/store'
import type { Fault } from './faults.ts'
import { withPort } from './store.ts'

/** An assigned run goes to the work queue. */
const isUnassigned = ({ set }: LifeChange) => set.target === null && set.state === 'queued'

/** Faults of what becomes of runs that are assigned to instances. */
export const ASSIGNMENT_FAULTS: Readonly<Record<string, Fault>> = {
  'an assigned run is offered again before reports are applied, to an executor that forgets what has ended': {
    seed: 42,
    isSingle: true,
    forgetsEnded: true,
    leadsTo: /was run twice/,
    coordinator: ({ repair }) => {
      repair.reportsApplied = async () => true
    },
  },
  'an assigned run that is queued keeps its instance': {
    seed: 36,
    isSingle: true,
    leadsTo: /never ended/,
    tamper: ({ set: { target, ...set }, ...change }) => ({ ...change, set: target === null ? set : { ...set, ...(target && { target }) } }),
  },
  'what an instance releases of an assignment keeps its attempt': {
    seed: 27,
    isSingle: true,
    leadsTo: /was run twice/,
    tamper: (change) => {
      const { attempt, ...set } = change.set
      return isUnassigned(change) && set.reason === null ? { ...change, set } : change
    },
  },
  'what an instance declines is queued whoever has checked it since': {
    seed: 14,
    isSingle: true,
    leadsTo: /was run twice/,
    tamper: (change) => {
      const { wakeAt, ...expect } = change.expect
      const { attempt, ...set } = change.set
      return isUnassigned(change) && wakeAt !== undefined ? { expect, set, id: change.id } : change
    },
  },
  'an assigned run is not checked': {
    seed: 29,
    isSingle: true,
    leadsTo: /never ended/,
    store: (store) =>
      withPort(store, 'runs', {
        insert: (runs) => store.runs.insert(runs.map((run) => (run.target === null ? run : { ...run, wakeAt: null }))),
      }),
  },
}
