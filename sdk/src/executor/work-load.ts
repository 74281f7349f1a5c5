import { LIMITS } from '@carillon/contracts'
import type { MainLoad } from '../liveness/thread-message.ts'
import type { HeldTasks } from './held-task.ts'
import type { Lane } from './lane.ts'

/** The fields of the heartbeat about tasks. */
export function workLoad(
  lanes: Iterable<Lane>,
  held: HeldTasks,
  { isCordoned, now }: { isCordoned: boolean; now: number },
): Omit<MainLoad, 'eventLoopDelayMs'> {
  const all = [...lanes]
  const attempts = all.flatMap((lane) => [...lane.stuck]).sort((a, b) => b.stuckForMs - a.stuckForMs)
  const stuckTasks = attempts.slice(0, LIMITS.stuckTasksShown).map(({ task: { work }, stuckForMs }) => ({
    taskId: work.taskId,
    handler: work.handler,
    forMs: Math.round(stuckForMs),
  }))
  const running = all.reduce((sum, lane) => sum + lane.occupied, 0)
  const holds = isCordoned ? { holds: held.longest(now, LIMITS.stuckTasksShown) } : {}
  return { running, stuck: attempts.length, stuckTasks, cordoned: isCordoned, ...holds }
}
