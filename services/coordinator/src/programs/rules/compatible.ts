import { isUndeclared, LIMITS, programOfOffer, takesProgram } from '@carillon/contracts'
import type { OfferingInstance } from '../../ports.ts'
import type { BoundLife } from '../../program-ports.ts'

/** A process that offers a handler, and what it says of it. */
export interface Offer {
  readonly instance: string
  /** Its session, or its name if it has none. */
  readonly session: string
  readonly handler: OfferingInstance['handlers'][number]
}

/** The offers of a handler by live instances. */
export const offersOf = (instances: readonly OfferingInstance[], handler: string): Offer[] =>
  instances.flatMap(({ instance, session, handlers }) => {
    const offered = handlers.find(({ name }) => name === handler)
    return offered ? [{ instance, session: session ?? instance, handler: offered }] : []
  })

/** Whether a task may be given to an instance: one that has stored no step to any that did not give it back. After too many rounds an operator decides. */
export function mayHave({ session, handler }: Pick<Offer, 'session' | 'handler'>, { program, refusedBy }: BoundLife): boolean {
  if (program !== null && !takesProgram(handler, program)) return false
  return refusedBy === null || (refusedBy.rounds < LIMITS.givenBack && !refusedBy.sessions.includes(session))
}

/**
 * Those that are known to do what this offer has done: a declared program is the same one in each process that has it. One that declares nothing may be
 * another in each.
 */
export function alikeByProgram(own: Offer, offers: readonly Offer[]): Offer[] {
  const program = programOfOffer(own.handler)
  return isUndeclared(program) ? [own] : offers.filter(({ handler }) => programOfOffer(handler) === program)
}

/** Those with the same input schema. */
export function alikeBySchema(own: Offer, offers: readonly Offer[], isSame: (one: unknown, other: unknown) => boolean): Offer[] {
  return offers.filter(({ handler }) => isSame(handler.inputSchema, own.handler.inputSchema))
}
