import { isDeepStrictEqual } from 'node:util'
import { LIMITS, programOfOffer } from '@carillon/contracts'
import type { RunHead } from '@carillon/store'
import type { Presence } from '../ports.ts'
import type { BoundLife, GivenBack, Programs } from '../program-ports.ts'
import type { Work } from '../runs/rules/work.ts'
import { alikeByProgram, alikeBySchema, mayHave, type Offer, offersOf } from './rules/compatible.ts'

/** Programs that a reason names. */
const SHOWN = 5

/** The programs of live instances, and which tasks they may go on with. */
export class LivePrograms implements Programs {
  readonly #presence: Presence

  constructor(options: { presence: Presence }) {
    this.#presence = options.presence
  }

  isSelective(run: Pick<RunHead, 'namespace' | 'handler'>, life: BoundLife): boolean {
    if (life.program === null && life.refusedBy === null) return false
    return this.#offers(run).some((offer) => !mayHave(offer, life))
  }

  isForeign({ run, task }: Work, instance: string): boolean {
    if (task.program === null && task.refusedBy === null) return false
    const offer = this.#offers(run).find((one) => one.instance === instance)
    return offer !== undefined && !mayHave(offer, task)
  }

  refusals({ run, task }: Work, { instance, reason }: Parameters<Programs['refusals']>[1]): GivenBack {
    const offers = this.#offers(run)
    const own = offers.find((one) => one.instance === instance)
    const alike =
      own === undefined ? [] : reason === 'program-changed' ? alikeByProgram(own, offers) : alikeBySchema(own, offers, isDeepStrictEqual)
    const rounds = (task.refusedBy?.rounds ?? 0) + 1
    const sessions = [...(task.refusedBy?.sessions ?? []), task.ownerSession ?? instance, ...alike.map(({ session }) => session)]
    const refusedBy = { sessions: [...new Set(sessions)].slice(-LIMITS.refusedSessions), rounds }
    const isTakenElsewhere = offers.some((offer) => mayHave(offer, { program: task.program, refusedBy }))
    return { refusedBy, isTakenElsewhere }
  }

  whyNone({ run, task }: Work): string | undefined {
    const { program, pinnedAt } = task
    if (program === null && task.refusedBy === null) return undefined
    const offers = this.#offers(run)
    if (offers.length === 0 || offers.some((offer) => mayHave(offer, task))) return undefined
    const since = pinnedAt === null ? '' : ` since ${new Date(pinnedAt).toISOString()}`
    const others = namesOf(offers)
    return program === null
      ? `it waits${since}: every instance that offers handler \`${run.handler}\` has given it back`
      : `it waits${since} for program ${program}: no live instance has it, or accepts it, and can go on with this run; offered: ${others}`
  }

  #offers({ namespace, handler }: Pick<RunHead, 'namespace' | 'handler'>): Offer[] {
    return offersOf(this.#presence.holding(namespace, handler), handler)
  }
}

function namesOf(offers: readonly Offer[]): string {
  const names = [...new Set(offers.map(({ handler }) => programOfOffer(handler)))].sort()
  const more = names.length - SHOWN
  return `${names.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
