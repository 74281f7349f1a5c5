import { CheckTriggers } from './check-triggers.ts'
import { EventSources } from './event-sources.ts'
import { ListenEvents, type ListenOptions } from './listen-events.ts'
import { StartChildren, type StartChildrenOptions } from './start-children.ts'
import { TakeEvents, type TakeEventsOptions } from './take-events.ts'
import { TriggeredJobs } from './triggered-jobs.ts'

type Given = Omit<StartChildrenOptions, 'triggered'> &
  Omit<TakeEventsOptions, 'triggered'> &
  Omit<ListenOptions, 'triggered' | 'sources' | 'takeEvents'> & { readonly streamReplicas: number }

/** The parts of this room. */
export function triggersOf(base: Given) {
  const triggered = new TriggeredJobs(base)
  const sources = new EventSources(base)
  const takeEvents = new TakeEvents({ ...base, triggered })
  const listenEvents = new ListenEvents({ ...base, sources, triggered, takeEvents })
  return {
    triggered,
    takeEvents,
    startChildren: new StartChildren({ ...base, triggered }),
    triggers: new CheckTriggers({ triggered, sources }),
    listenEvents,
    /** A job was changed. */
    changed: () => {
      triggered.changed()
      listenEvents.wake()
    },
  }
}
