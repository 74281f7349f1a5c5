import type { Blame, Failure, FinishedReport, Wait, WorkMessage } from '@carillon/contracts'

/** How an attempt ended. */
export interface Ending {
  readonly outcome: FinishedReport['outcome']
  /** JSON text of the result. */
  readonly resultText?: string | undefined
  /** JSON text of what was added to the context of a workflow. */
  readonly contextText?: string | undefined
  readonly error?: Failure | undefined
  readonly reason?: FinishedReport['reason']
}

/** An attempt that goes on later as the next one. */
export interface SleptEnding {
  readonly outcome: 'slept'
  /** Undefined: it only waits for signals. */
  readonly delayMs: number | undefined
  readonly waits: readonly Wait[]
}

/** Reports are written as text, so that a result is turned into JSON once. Ids are names: they need no escaping. */
type Reported = Pick<WorkMessage, 'runId' | 'taskId' | 'attempt'>
const head = ({ runId, taskId, attempt }: Reported, type: string) =>
  `{"runId":"${runId}","taskId":"${taskId}","attempt":${attempt},"type":"${type}"`

/** @param session identifies the process that reports; not in an end, which every task has. @param durationMs how long it has run */
export const startedText = (work: Reported, session: string, durationMs: number) =>
  `${head(work, 'started')},"session":"${session}","durationMs":${Math.round(durationMs)}}`

export const releasedText = (work: Reported) => `${head(work, 'released')}}`

export const diedText = (work: WorkMessage, blame: Blame, error: Failure) =>
  `${head(work, 'died')},"blame":"${blame}","error":${JSON.stringify(error)}}`

export function sleptText(work: WorkMessage, { delayMs, waits }: Pick<SleptEnding, 'delayMs' | 'waits'>): string {
  const delay = delayMs === undefined ? '' : `,"delayMs":${delayMs}`
  return `${head(work, 'slept')}${delay}${waits.length === 0 ? '' : `,"waits":${JSON.stringify(waits)}`}}`
}

export function progressText(work: WorkMessage, session: string, { percent, note }: { percent: number; note: string | undefined }): string {
  return `${head(work, 'progress')},"session":"${session}","percent":${percent}${note === undefined ? '' : `,"note":${JSON.stringify(note)}`}}`
}

/**
 * @param ran.durationMs how long it ran; no time of this machine's clock, which a coordinator could not compare with its own
 * @param ran.logLines how many lines it has logged
 */
export function finishedText(
  work: WorkMessage,
  ending: Ending,
  { durationMs, logLines }: { durationMs: number; logLines: number },
): string {
  let text = `${head(work, 'finished')},"outcome":"${ending.outcome}"`
  if (ending.resultText !== undefined) text += `,"result":${ending.resultText}`
  if (ending.contextText !== undefined) text += `,"context":${ending.contextText}`
  if (ending.error !== undefined) text += `,"error":${JSON.stringify(ending.error)}`
  if (ending.reason !== undefined) text += `,"reason":"${ending.reason}"`
  return `${text},"durationMs":${Math.round(durationMs)},"logLines":${logLines}}`
}

/**
 * The report of the end of an attempt. A broker may accept less than the limits of the wire allow: then the attempt fails, not the executor.
 * @param maxBytes of one report
 */
export function endText(
  work: WorkMessage,
  ending: Ending | SleptEnding,
  { durationMs, logLines, maxBytes }: { durationMs: number; logLines: number; maxBytes: number },
): string {
  if (ending.outcome === 'slept') return sleptText(work, ending)
  const ran = { durationMs, logLines }
  const text = finishedText(work, ending, ran)
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text
  const message = `The report has ${Buffer.byteLength(text)} bytes, the broker takes ${maxBytes}`
  const refused: Ending = { outcome: 'failed', reason: 'invalid-result', error: { name: 'RESULT_TOO_LARGE', message } }
  return finishedText(work, refused, ran)
}
