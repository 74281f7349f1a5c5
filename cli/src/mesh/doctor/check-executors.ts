import { CarillonError, type InstanceView, TIMES } from '@carillon/contracts'
import { schemaConflictTexts } from '../../output/instance-text.ts'
import { spanText } from '../../output/time-text.ts'
import { CARILLON } from '../../own-command.ts'
import { type CheckContext, instancesOf } from './context.ts'
import { counted, type Finding, failed, well, wrong } from './finding.ts'

/** Longer than a harmless slow computation. */
const BLOCKED_MS = 10_000
const CONFLICT_REMEDY = 'Give one of the handlers another name, or all of them the same schema.'
const LATE_MS = 2 * TIMES.beatMs

/** The executors: whether there are any, and whether their heartbeats arrive. */
export async function checkExecutors({ client, namespace }: CheckContext): Promise<Finding[]> {
  try {
    const items = await instancesOf(client)
    if (items.length > 0) {
      const isLate = (item: InstanceView) => item.silentMs > LATE_MS
      const isStuck = (item: InstanceView) => item.load.stuck > 0
      const isBlocked = (item: InstanceView) => (item.load.blockedMs ?? 0) > BLOCKED_MS
      const isIdle = (item: InstanceView) => item.hungIdleMs !== undefined
      const findings = [
        ...items.filter(isLate).map(late),
        ...items.filter(isBlocked).map(blocked),
        ...items.filter(isIdle).map(idle),
        ...items.filter(isStuck).map(stuck),
      ]
      const conflicts = schemaConflictTexts(items).map((text) => wrong('handlers', text, CONFLICT_REMEDY))
      return [well('executors', summaryOf(items)), ...findings, ...conflicts]
    }
    return [
      wrong(
        'executors',
        `none is connected in namespace ${namespace}: no run can start`,
        `Start one of yours, or the demo: ${CARILLON} demo`,
      ),
    ]
  } catch (error) {
    // Without a registry it is unknown; that is a finding of its own.
    if (CarillonError.is(error) && error.code === 'NO_SERVICE') return [wrong('executors', 'unknown: no registry answers')]
    return [failed('executors', error)]
  }
}

function summaryOf(items: readonly InstanceView[]): string {
  const handlers = [...new Set(items.flatMap((item) => item.handlers))].sort()
  const running = items.reduce((sum, item) => sum + item.load.running, 0)
  const cordoned = items.flatMap((item) => (item.cordoned ? [item.instance] : []))
  const notUsed = cordoned.length > 0 ? `; cordoned: ${cordoned.join(', ')}` : ''
  return `${counted(items.length, 'executor')}, ${counted(running, 'task')} running; offered: ${handlers.join(', ') || 'nothing'}${notUsed}`
}

const late = (item: InstanceView): Finding =>
  wrong(
    `executor ${item.instance}`,
    `silent for ${spanText(item.silentMs)}`,
    'It is stopped, overloaded, or cut off; after 10 s its tasks go to others.',
  )

const blocked = ({ instance, load }: InstanceView): Finding =>
  wrong(
    `executor ${instance}`,
    `a handler has been computing for ${spanText(load.blockedMs ?? 0)} without a pause: nothing else of this process goes on`,
    'It loses nothing. Compute in a worker thread, or give the event loop a turn now and then.',
  )

const idle = ({ instance, load, hungIdleMs = 0 }: InstanceView): Finding =>
  wrong(
    `executor ${instance}`,
    `hung, it gets no work: nothing has come of its tasks for ${spanText(load.idleMs ?? hungIdleMs)}; they go on elsewhere, if they have tries left`,
    'Something that its handlers wait for never comes: give it a time limit (timeoutMs, ctx.signal). Until then, restart the executor.',
  )

const stuck = ({ instance, capacity, load, hung }: InstanceView): Finding =>
  wrong(
    `executor ${instance}`,
    `${hung ? 'hung, it gets no work: ' : ''}${load.stuck} of ${capacity} slots are held by handlers that still run although their attempt has ended: ${namesOf(load)}`,
    'These handlers ignore ctx.signal. Let them end when it aborts; until then, restart the executor.',
  )

const namesOf = ({ stuckTasks }: InstanceView['load']) =>
  stuckTasks.map(({ handler, taskId, forMs }) => `${handler} (task ${taskId}, for ${spanText(forMs)})`).join(', ')
