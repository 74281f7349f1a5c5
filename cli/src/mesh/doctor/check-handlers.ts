import { STREAMS, SUBJECT_ROOT, workConsumer } from '@carillon/contracts'
import { CARILLON } from '../../own-command.ts'
import { type CheckContext, instancesOf, isStreamMissing } from './context.ts'
import { counted, type Finding, well, wrong } from './finding.ts'

/** Each message has a subject of its own, and the broker lists 100,000 of them in megabytes. */
const MOST_SUBJECTS = 10_000
const MOST_FINDINGS = 20
const REMEDY = `Start an executor that offers it. If none ever will, cancel what waits: ${CARILLON} runs list --state queued`

/** Handlers that have work in the queue and are offered by no live instance: their runs wait for ever. */
export async function checkHandlers(context: CheckContext): Promise<Finding[]> {
  const queued = await queuedIn(context)
  if (queued === undefined || queued.tasks.size + queued.unseen === 0) return []
  // Read last: an instance that has registered in between is no finding. That no registry answers is a finding of its own.
  const instances = await instancesOf(context.client).catch(() => undefined)
  if (instances === undefined) return []
  const offered = new Set(instances.flatMap(({ handlers }) => handlers))
  const idle = [...queued.tasks].filter(([handler, count]) => count > 0 && !offered.has(handler)).sort(([, one], [, other]) => other - one)
  return [
    ...idle.slice(0, MOST_FINDINGS).map(([handler, count]) => unoffered(handler, count)),
    ...(idle.length > MOST_FINDINGS ? [wrong('handlers', `${idle.length - MOST_FINDINGS} more have work and are not offered`)] : []),
    ...(queued.unseen > 0
      ? [well('handlers', `handlers that were never offered are not checked: ${counted(queued.unseen, 'message')}`)]
      : []),
  ]
}

const unoffered = (handler: string, count: number): Finding =>
  wrong(`handler ${handler}`, `${counted(count, 'task')} ${count === 1 ? 'waits' : 'wait'}, and no live instance offers it`, REMEDY)

interface Queued {
  /** How many tasks of each handler are in the queue. */
  readonly tasks: ReadonlyMap<string, number>
  /** Messages of the queue, if they are too many to examine each. */
  readonly unseen: number
}

async function queuedIn({ broker, namespace }: CheckContext): Promise<Queued | undefined> {
  const { name } = STREAMS.WORK
  try {
    const { state } = await broker.manager.streams.info(name)
    if (state.messages >= MOST_SUBJECTS) return { tasks: await byConsumers({ broker, namespace }), unseen: state.messages }
    const subjects_filter = `${SUBJECT_ROOT}.${namespace}.work.>`
    const { state: listed } = await broker.manager.streams.info(name, { subjects_filter })
    return { tasks: bySubjects(listed.subjects ?? {}), unseen: 0 }
  } catch (error) {
    // Without the stream there is no work; that it is missing is a finding of its own.
    if (isStreamMissing(error)) return undefined
    throw error
  }
}

function bySubjects(subjects: Readonly<Record<string, number>>): Map<string, number> {
  const tasks = new Map<string, number>()
  for (const [subject, count] of Object.entries(subjects)) {
    const [, , , handler = ''] = subject.split('.')
    tasks.set(handler, (tasks.get(handler) ?? 0) + count)
  }
  return tasks
}

/** A handler has a consumer from the first time that it was offered. */
async function byConsumers({ broker, namespace }: Pick<CheckContext, 'broker' | 'namespace'>): Promise<Map<string, number>> {
  const tasks = new Map<string, number>()
  const prefix = workConsumer(namespace, '')
  for await (const consumer of broker.manager.consumers.list(STREAMS.WORK.name)) {
    if (consumer.name.startsWith(prefix)) tasks.set(consumer.name.slice(prefix.length), consumer.num_pending + consumer.num_ack_pending)
  }
  return tasks
}
