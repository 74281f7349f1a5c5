import type { Broker, Clock, Logger } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import type { Jobs, Presence } from '../ports.ts'
import { CountEnds } from './count-ends.ts'
import { measureWork } from './measure-work.ts'
import { OpenWork } from './open-work.ts'
import type { PublishedEnds } from './published-ends.ts'
import { endedEvents } from './read-ends.ts'
import { ReadQueues } from './read-queues.ts'
import { ReadStats } from './read-stats.ts'
import { SampleGauges } from './sample-gauges.ts'

/** What counts runs that have ended, and what shows these counts and what is open. */
export function statsOf(given: {
  readonly store: Store
  readonly broker: Broker
  readonly publishedEnds: PublishedEnds
  readonly presence: Presence
  readonly jobs: Jobs
  readonly shares: () => readonly number[]
  readonly clock: Clock
  readonly log: Logger
}) {
  const openWork = new OpenWork(given)
  const readQueues = new ReadQueues({ ...given, openWork })
  const countEnds = new CountEnds({ ...given, events: endedEvents(given.broker, given.publishedEnds) })
  measureWork({ ...given, openWork, readQueues, countEnds })
  return {
    countEnds,
    sampleGauges: new SampleGauges({ ...given, openWork, readQueues }),
    readStats: new ReadStats(given),
    readQueues,
  }
}
