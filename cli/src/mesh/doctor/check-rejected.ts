import { type RejectedEvent, STREAMS, SUBJECT_ROOT } from '@carillon/contracts'
import { now } from '../../clock.ts'
import { timeText } from '../../output/time-text.ts'
import { type CheckContext, isStreamMissing } from './context.ts'
import { counted, type Finding, well, wrong } from './finding.ts'

const PART = 'rejected messages'
/** A sender may still be sending such messages; an older one is history. */
const RECENT_MINUTES = 10
const RECENT_MS = RECENT_MINUTES * 60_000

/** Messages that services have rejected: EVENTS keeps them until they are old. */
export async function checkRejected({ broker }: CheckContext): Promise<Finding[]> {
  const filter = `${SUBJECT_ROOT}.*.event.message.*.rejected`
  try {
    const { state } = await broker.manager.streams.info(STREAMS.EVENTS.name, { subjects_filter: filter })
    const count = Object.values(state.subjects ?? {}).reduce((sum, one) => sum + one, 0)
    if (count === 0) return [well(PART, 'none')]
    return [await newest(broker, filter, count)]
  } catch (error) {
    // Without the stream there are none; that it is missing is a finding of its own.
    if (isStreamMissing(error)) return []
    throw error
  }
}

async function newest(broker: CheckContext['broker'], filter: string, count: number): Promise<Finding> {
  const message = await broker.manager.streams.getMessage(STREAMS.EVENTS.name, { last_by_subj: filter })
  if (message === null) return well(PART, 'none')
  const { subject, code, message: reason } = message.json<RejectedEvent>()
  const newestText = `the newest ${timeText(message.time.toISOString(), now())} on ${subject}: ${code}, ${reason}`
  const inAll = `${counted(count, 'message')} in all`
  const until = message.time.getTime() + RECENT_MS
  if (now() > until) return well(PART, `none in the last ${RECENT_MINUTES} minutes; ${inAll}, ${newestText}`)
  const end = `without another this finding ends ${timeText(new Date(until).toISOString(), now())}`
  return wrong(
    PART,
    `in the last ${RECENT_MINUTES} minutes, ${newestText}; ${inAll}; ${end}`,
    `Correct its sender. To see them all: nats sub --stream EVENTS --all --wait 1s '${filter}'`,
  )
}
