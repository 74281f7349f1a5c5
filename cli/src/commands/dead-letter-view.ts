import { type DeadLetter, REASONS } from '@carillon/contracts'
import { now } from '../clock.ts'
import { printFields } from '../output/table.ts'
import type { Column } from '../output/table-layout.ts'
import type { Terminal } from '../output/terminal.ts'
import { relativeText, timeText } from '../output/time-text.ts'
import { retryText } from './run-view.ts'

/** The columns of `dead-letters list`. */
export function letterColumns(): Column<DeadLetter>[] {
  const nowMs = now()
  return [
    { heading: 'ID', text: ({ id }) => id, narrow: 'whole' },
    { heading: 'SCENE', text: ({ scene }) => scene },
    { heading: 'REASON', text: ({ reason, state }) => reason ?? state },
    { heading: 'TRIES', text: ({ attempts }) => String(attempts), narrow: 1 },
    { heading: 'GIVEN UP', text: ({ at }) => timeText(at, nowMs), brief: ({ at }) => relativeText(at, nowMs) },
    { heading: 'REDRIVEN', text: ({ redrivenAs = '' }) => redrivenAs, narrow: 2 },
    { heading: 'ERROR', text: ({ failure }) => failure?.message ?? '' },
  ]
}

/** One dead letter, field by field. */
export function printLetter(terminal: Terminal, letter: DeadLetter): void {
  const nowMs = now()
  const { failure, reason, retry } = letter
  printFields(terminal, letter, [
    ['id', letter.id],
    ['scene', letter.scene],
    ['key', letter.key],
    ['arguments', JSON.stringify(letter.payload)],
    ['given up', `${letter.state}${reason === undefined ? '' : `, ${reason}: ${REASONS[reason]}`}`],
    ['at', timeText(letter.at, nowMs)],
    ['requested', timeText(letter.requestedAt, nowMs)],
    ['tries', String(letter.attempts)],
    ...(retry?.failed ?? []).map(
      ({ attempt, at, name, message }) => [`try ${attempt}`, `${timeText(at, nowMs)} ${name}: ${message}`] as const,
    ),
    ['failure', failure && (failure.stack ?? `${failure.name}: ${failure.message}`)],
    ['retry', retry && retryText(retry)],
    ['redriven as', letter.redrivenAs],
    ['redriven by', letter.by],
  ])
}
