import { harmless, type Terminal } from '../../output/terminal.ts'
import { fromBullmq } from './from-bullmq.ts'
import { fromCrontab } from './from-crontab.ts'
import { fromSnailJob } from './from-snail-job.ts'
import { fromXxlJob } from './from-xxl-job.ts'
import type { ImportOptions, ImportResult, ImportSource, ReportLine } from './import-result.ts'

const READERS: Readonly<Record<ImportSource, (text: string, options: ImportOptions) => ImportResult>> = {
  'xxl-job': fromXxlJob,
  'snail-job': fromSnailJob,
  crontab: fromCrontab,
  bullmq: fromBullmq,
}

/** Reads an export of another system. Pure: the same text gives the same jobs and the same report. */
export const importJobs = (source: ImportSource, text: string, options: ImportOptions): ImportResult => READERS[source](text, options)

const TONES = { carried: 'good', changed: 'warning', 'left out': 'bad' } as const

/** A line for each object on stderr, and how many there are of each outcome. */
export function printReport(terminal: Terminal, report: readonly ReportLine[]): void {
  for (const { object, outcome, job, notes } of report) {
    const name = job === undefined ? '' : ` → ${job}`
    terminal.note(
      `${terminal.paint(TONES[outcome], outcome.padEnd(8))} ${harmless(`${object}${name}${notes.length > 0 ? `: ${notes.join('; ')}` : ''}`.replaceAll('\n', ' '))}`,
    )
  }
  const count = (outcome: ReportLine['outcome']) => report.filter((line) => line.outcome === outcome).length
  const counts = (['carried', 'changed', 'left out'] as const).map((outcome) => `${count(outcome)} ${outcome}`).join(', ')
  terminal.note(`${counts}. All jobs are paused: stop those of the other system before you resume one.`)
}
