import { CALLS, CarillonError, type DeadLetter, LIMITS } from '@carillon/contracts'
import { now } from '../../clock.ts'
import { timeText } from '../../output/time-text.ts'
import { CARILLON } from '../../own-command.ts'
import type { CheckContext } from './context.ts'
import { counted, type Finding, well, wrong } from './finding.ts'

const PART = 'dead letters'
const SCENES_SHOWN = 3

/** Retries that were given up, and about which nobody has decided. One page is read, of an index and without arguments: 1,000 letters of a year at most. */
export async function checkDeadLetters({ client }: Pick<CheckContext, 'client'>): Promise<Finding[]> {
  try {
    const { items, next } = await client.call(CALLS.deadLettersList, { limit: LIMITS.pageSize })
    const waiting = items.filter(({ redrivenAs }) => redrivenAs === undefined)
    const unseen = next === undefined ? '' : `; only the newest ${items.length.toLocaleString('en')} were read`
    if (waiting.length === 0) return [well(PART, `none waits for a decision${unseen}`)]
    return [finding(waiting, unseen)]
  } catch (error) {
    // That no coordinator answers is a finding of its own.
    if (CarillonError.is(error) && error.code === 'NO_SERVICE') return []
    throw error
  }
}

/** @param waiting newest first */
function finding(waiting: readonly DeadLetter[], unseen: string): Finding {
  const scenes = new Map<string, number>()
  for (const { scene } of waiting) scenes.set(scene, (scenes.get(scene) ?? 0) + 1)
  const sorted = [...scenes].sort(([, one], [, other]) => other - one)
  const shown = sorted.slice(0, SCENES_SHOWN).map(([scene, count]) => `${scene} ${count.toLocaleString('en')}`)
  const [newest, oldest] = [waiting[0], waiting.at(-1)]
  const more = sorted.length > SCENES_SHOWN ? `, ${counted(sorted.length - SCENES_SHOWN, 'more scene')}` : ''
  const error = newest?.failure ? `; the newest: ${newest.failure.message}` : ''
  return wrong(
    PART,
    `${counted(waiting.length, 'call')} given up, and nobody has decided about ${waiting.length === 1 ? 'it' : 'them'}: ${shown.join(', ')}${more}; the oldest ${timeText(oldest?.at, now())}${error}${unseen}`,
    `See them: ${CARILLON} dead-letters list. Then try again what they call: ${CARILLON} dead-letters redrive --scene ${sorted[0]?.[0]}; or remove them: ${CARILLON} dead-letters rm <id>`,
  )
}
