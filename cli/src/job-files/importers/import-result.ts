import { CarillonError, type JobInput, jobInputSchema, LIMITS, parseInput, printable } from '@carillon/contracts'
import { normalized, type WrittenJob } from '../written-job.ts'

/** The systems that jobs are imported from. */
export const IMPORT_SOURCES = ['xxl-job', 'snail-job', 'crontab', 'bullmq'] as const
export type ImportSource = (typeof IMPORT_SOURCES)[number]

/** What became of one object of the other system. */
export interface ReportLine {
  /** Where it is in the file, such as `line 3` or `xxl_job_info 7`. */
  readonly object: string
  readonly outcome: 'carried' | 'changed' | 'left out'
  /** Its name here. */
  readonly job?: string
  /** What changes its meaning, what is lost, and why. */
  readonly notes: readonly string[]
}

/** How the file is to be read. */
export interface ImportOptions {
  /** The zone of cron expressions that bring none. */
  readonly timezone: string | undefined
  /** Of a crontab: whether the sixth field names a user. */
  readonly userColumn: boolean
}

/** Why an object cannot be carried. */
export class LeftOut extends Error {}

/** Collects jobs and the report: one line for each object, in the order of the file. */
export class ImportResult {
  readonly jobs: WrittenJob[] = []
  readonly report: ReportLine[] = []
  readonly #names = new Set<string>()

  /**
   * Adds what `build` makes of an object; it notes what changes, and throws `LeftOut` where nothing can be carried. The job is paused.
   * @param id makes its name distinct, where another one has it already
   */
  add(object: string, id: string, build: (note: (text: string) => void) => JobInput): void {
    const notes: string[] = []
    try {
      const built = build((text) => notes.push(text))
      const name = this.#distinct(built.name, id)
      if (name !== built.name) notes.push(`another job has the name ${built.name} already: this one is ${name}`)
      const job = parseInput(jobInputSchema, { ...built, name, handler: built.handler ?? built.name })
      this.#names.add(name)
      this.jobs.push({ ...normalized(job), paused: true })
      this.report.push({ object, outcome: notes.length > 0 ? 'changed' : 'carried', job: name, notes })
    } catch (error) {
      if (!(error instanceof LeftOut) && !(CarillonError.is(error) && error.details.field !== '--timezone')) throw error
      this.report.push({ object, outcome: 'left out', notes: [error.message, ...notes] })
    }
  }

  /** Something of the file that is no job. */
  leaveOut(object: string, why: string): void {
    this.report.push({ object, outcome: 'left out', notes: [why] })
  }

  #distinct(name: string, id: string): string {
    if (!this.#names.has(name)) return name
    for (let i = 1; ; i++) {
      const suffix = i === 1 ? `-${id}` : `-${id}-${i}`
      const other = `${name.slice(0, LIMITS.nameLength - suffix.length)}${suffix}`
      if (!this.#names.has(other)) return other
    }
  }
}

/** A text of the other system as a name: what a name cannot have becomes "-". */
export function nameFrom(text: string, otherwise: string): string {
  const name = text
    .trim()
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
  // Of a text in another script little is left, which would name nothing.
  const isTelling = name.replaceAll('-', '').length * 2 >= text.replace(/\s/g, '').length
  return (isTelling && name !== '' ? name : otherwise).slice(0, LIMITS.nameLength)
}

/** The name of a handler, with a note where it had to be changed. */
export function handlerFrom(text: string, note: (text: string) => void, otherwise: string): string {
  const handler = nameFrom(text, otherwise)
  if (handler !== text) note(`its handler ${printable(text)} is here ${handler}: register it by that name`)
  return handler
}

/** The zone of a cron expression that brings none. @throws CarillonError that asks for --timezone */
export function zoneOf({ timezone }: ImportOptions, whose: string): string {
  if (timezone !== undefined) return timezone
  throw new CarillonError(
    'INVALID_REQUEST',
    `--timezone is missing: the file does not say in which time zone its cron expressions are meant`,
    {
      field: '--timezone',
      hint: `Give ${whose}, such as --timezone Europe/Paris.`,
    },
  )
}

/** Seconds of the other system, as milliseconds; undefined for none. */
export function millisOf(seconds: unknown): number | undefined {
  const value = Number(seconds)
  return Number.isFinite(value) && value > 0 ? Math.round(value * 1_000) : undefined
}

/** A text as JSON, or undefined where it is none. */
export function jsonOf(text: unknown): unknown {
  if (typeof text !== 'string') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
