import { CarillonError, type FinishedReport, parseReport, type Report, UnacceptableJson } from '@carillon/contracts'

/** A report of a message, or the part of it that is no valid report. */
export type ReportItem =
  | { readonly report: Report }
  | { readonly rejected: unknown; readonly error: CarillonError; readonly ends: FinishedReport[] }

/**
 * The reports of a message, which may be one or a list: each is parsed alone. `ends` of an unreadable one: the task whose end it reported, as far as
 * that can be known. It would not be reported again, so the task ends as failed.
 */
export function readReports(body: unknown): ReportItem[] {
  return (Array.isArray(body) ? body : [body]).map((item: unknown) => {
    try {
      return { report: parseReport(item) }
    } catch (thrown) {
      const error = CarillonError.from(thrown)
      return { rejected: item, error, ends: endsIn(item).map((end) => ({ ...end, ...unreadable(error) })) }
    }
  })
}

type End = Pick<FinishedReport, 'runId' | 'taskId' | 'attempt'>

const END =
  /"runId"\s*:\s*"([0-9a-z]{16,48})"\s*,\s*"taskId"\s*:\s*"([\w-]{1,128})"\s*,\s*"attempt"\s*:\s*(\d{1,9})\s*,\s*"type"\s*:\s*"(?:finished|slept)"/g

function endsIn(item: unknown): End[] {
  if (item instanceof UnacceptableJson)
    return Array.from(item.text.matchAll(END), ([, runId = '', taskId = '', attempt]) => ({ runId, taskId, attempt: Number(attempt) }))
  const { runId, taskId, attempt, type } = (item ?? {}) as Record<string, unknown>
  if (
    (type !== 'finished' && type !== 'slept') ||
    typeof runId !== 'string' ||
    typeof taskId !== 'string' ||
    !Number.isSafeInteger(attempt)
  )
    return []
  return [{ runId, taskId, attempt: attempt as number }]
}

function unreadable({ code, message }: CarillonError): Omit<FinishedReport, keyof End> {
  return {
    type: 'finished',
    outcome: 'failed',
    reason: 'invalid-result',
    error: { name: code, message: `the report of its end cannot be read: ${message}` },
  }
}
