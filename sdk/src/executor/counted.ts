import type { Activity } from '../liveness/activity.ts'
import type { AttemptObserver } from './attempt.ts'

/** Counts what comes of attempts as signs of work. A handler that goes on after the end of its attempt has done nothing, and still holds its slot. */
export function counted(activity: Activity, observer: AttemptObserver): AttemptObserver {
  return {
    onBegin: (attempt) => {
      activity.began()
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
