import type { Activity } from '../liveness/activity.ts'
import type { AttemptObserver } from './attempt.ts'
import type { HeldTasks } from './held-task.ts'

/**
 * Counts what comes of attempts as signs of work. A handler that goes on after the end of its attempt has done nothing, and still holds its slot. Before a handler gets the
 * chance to block, the liveness thread can see that it begins.
 */
export function counted({ activity, held }: { activity: Activity; held: HeldTasks }, observer: AttemptObserver): AttemptObserver {
  return {
    onBegin: (attempt) => {
      activity.began()
      if (attempt.task.state === 'waiting') held.mark(attempt.task, 'begun')
      observer.onBegin(attempt)
    },
    onProgress: (attempt, percent, note) => {
      activity.sign()
      observer.onProgress(attempt, percent, note)
    },
    onLog: (attempt, line) => {
      activity.sign()
      observer.onLog(attempt, line)
    },
    onEnd: (attempt, ending) => {
      if (!attempt.isStuck) activity.settled()
      observer.onEnd(attempt, ending)
    },
    onUnstuck: (attempt) => {
      activity.settled()
      observer.onUnstuck(attempt)
    },
  }
}
