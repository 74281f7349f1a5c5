import { type DeclaredStep, type JournalEntry, type MoveChoice, programOfOffer, takesProgram } from '@carillon/contracts'
import type { Offer } from './compatible.ts'

/** Which of the offered programs can go on after these steps. @param bound the program that began them */
export function choicesOf(offers: readonly Offer[], bound: string, journal: readonly Pick<JournalEntry, 'index' | 'name'>[]): MoveChoice[] {
  return [...new Set(offers.map(({ handler }) => programOfOffer(handler)))].sort().map((program): MoveChoice => {
    const [first, ...others] = offers.filter(({ handler }) => programOfOffer(handler) === program)
    const offer = { program, instances: others.length + 1 }
    if (first === undefined || takesProgram(first.handler, bound)) return { ...offer, fits: 'yes' }
    const { steps } = first.handler
    if (steps === undefined) return { ...offer, fits: 'unknown' }
    const why = firstDifference(steps, journal)
    return why === undefined ? { ...offer, fits: 'yes' } : { ...offer, fits: 'no', why }
  })
}

function firstDifference(steps: readonly DeclaredStep[], journal: readonly Pick<JournalEntry, 'index' | 'name'>[]): string | undefined {
  for (const { index, name } of journal) {
    const declared = steps[index]?.name
    if (declared === undefined) return `step ${index + 1} is stored as "${name}", and the program has ${steps.length} steps`
    if (declared !== name) return `step ${index + 1} is stored as "${name}", and is "${declared}" in the program`
  }
  return undefined
}
