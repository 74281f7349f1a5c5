import { BoundedLabel, meter, type Observe } from '@carillon/runtime'
import type { Presence } from '../ports.ts'
import type { CountEnds } from './count-ends.ts'
import type { OpenWork } from './open-work.ts'
import type { ReadQueues } from './read-queues.ts'

const MILLISECONDS = 1_000
/** One coordinator says what is true of the whole mesh: sums over coordinators would count it twice. */
const SHARE_OF_MEASURING = 0

/** Metrics of what is open, read when somebody reads them. */
export function measureWork(given: {
  openWork: OpenWork
  readQueues: ReadQueues
  countEnds: CountEnds
  presence: Presence
  shares: () => readonly number[]
}): void {
  const { openWork, readQueues, countEnds, presence, shares } = given
  const names = new BoundedLabel()
  const ofMesh = (observe: (observe: Observe) => Promise<void> | void) => (into: Observe) =>
    shares().includes(SHARE_OF_MEASURING) ? observe(into) : undefined
  const eachQueue = async (
    see: (labels: { namespace: string; handler: string }, queue: ReturnType<ReadQueues['queues']>[number]) => void,
  ) => {
    const open = await openWork.read()
    for (const namespace of new Set([...presence.namespaces(), ...open.lives.map((life) => life.namespace)]))
      for (const queue of readQueues.queues(namespace, open))
        see({ namespace: names.of(namespace), handler: names.of(queue.handler) }, queue)
  }
  meter.gauge(
    'carillon.tasks.open',
    'Tasks and runs that are open, by handler and why; of each kind the first 10,000 are counted',
    ofMesh((observe) => {
      const sums = new Map<string, { value: number; labels: Record<string, string> }>()
      const add = (value: number, labels: Record<string, string>) => {
        const key = JSON.stringify(labels)
        sums.set(key, { value: value + (sums.get(key)?.value ?? 0), labels })
      }
      return eachQueue((labels, { running, reasons }) => {
        add(running, { ...labels, state: 'running' })
        for (const state of ['queued', 'no-instance', 'gate', 'paused', 'delayed'] as const) add(reasons[state] ?? 0, { ...labels, state })
      }).then(() => {
        for (const { value, labels } of sums.values()) observe(value, labels)
      })
    }),
  )
  meter.gauge(
    'carillon.queue.age.seconds',
    'How long the oldest task that is not begun has waited, by handler',
    ofMesh((observe) => {
      const ages = new Map<string, { value: number; labels: Record<string, string> }>()
      return eachQueue((labels, { oldestMs = 0 }) => {
        const key = JSON.stringify(labels)
        ages.set(key, { value: Math.max(oldestMs, ages.get(key)?.value ?? 0), labels })
      }).then(() => {
        for (const { value, labels } of ages.values()) observe(value / MILLISECONDS, labels)
      })
    }),
  )
  meter.gauge(
    'carillon.instances',
    'Live instances, by namespace',
    ofMesh((observe) => {
      for (const namespace of presence.namespaces()) observe(presence.count(namespace), { namespace: names.of(namespace) })
    }),
  )
  meter.gauge('carillon.stats.lag.seconds', 'How far the counting of ended runs is behind', async (observe) => {
    const lagMs = await countEnds.lagMs()
    if (lagMs !== undefined) observe(lagMs / MILLISECONDS)
  })
}
