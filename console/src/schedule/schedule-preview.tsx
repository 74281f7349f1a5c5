import type { Schedule } from '@carillon/contracts'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect, useState } from 'react'
import { makeCall } from '../api/call.ts'
import type { Answer } from '../api/call-request.ts'
import { asProblem } from '../api/problem.ts'
import { keyOf } from '../api/use-call.ts'
import { useLanguage, useMessages } from '../language/language-context.tsx'
import { ProblemNote } from '../parts/states.tsx'
import { systemClock } from '../time/clock.ts'
import { AbsoluteTime, RelativeTime } from '../time/time.tsx'
import { useNamespace } from '../url/use-namespace.ts'
import { zoneOf } from './draft.ts'
import { monthsOf } from './month.ts'
import styles from './schedule.module.css'
import { skipReason } from './words.ts'

/** Typing rests so long before the service is asked. */
const REST_MS = 300
const SLOTS = 10

/** A value that changes when it has been the same for a while. */
function useRested<Value>(value: Value): Value {
  const [rested, setRested] = useState(value)
  useEffect(() => systemClock.after(REST_MS, () => setRested(value)), [value])
  return rested
}

/** The next slots of a job, or of a schedule that is being edited. */
export function usePreview(name: string, schedule: Schedule | undefined) {
  const namespace = useNamespace()
  const text = useRested(schedule === undefined ? '' : JSON.stringify(schedule))
  return useQuery({
    queryKey: keyOf(namespace, 'jobsPreview', name, text),
    enabled: text !== '',
    placeholderData: keepPreviousData,
    retry: false,
    queryFn: ({ signal }) => makeCall('jobsPreview', { name, schedule: JSON.parse(text) as Schedule, count: SLOTS }, { namespace, signal }),
  })
}

/** Next slots as a list and on a calendar, with warnings of the service. */
export function SchedulePreview({ name, schedule }: { readonly name: string; readonly schedule: Schedule | undefined }): ReactNode {
  const { schedule: texts } = useMessages()
  const { data, error } = usePreview(name, schedule)
  if (schedule === undefined) return <p className={styles['hint']}>{texts.noSlots}</p>
  if (error !== null) return <ProblemNote error={asProblem(error)} />
  if (data === undefined) return null
  return <PreviewedSlots preview={data} zone={zoneOf(schedule) ?? 'UTC'} />
}

type Preview = Answer<'jobsPreview'>

function PreviewedSlots({ preview: { slots, warnings, skipped }, zone }: { readonly preview: Preview; readonly zone: string }): ReactNode {
  const { schedule: texts } = useMessages()
  return (
    <div className={styles['preview']}>
      {warnings.map((warning) => (
        <p key={warning} className={styles['warning']}>
          {warning}
        </p>
      ))}
      {slots.length === 0 && <p className={styles['hint']}>{texts.noFurther}</p>}
      <div className={styles['columns']}>
        <ol className={styles['slots']} aria-label={texts.next}>
          {slots.map(({ slot }) => (
            <li key={slot}>
              <AbsoluteTime at={slot} zone={zone} />
              <span className={styles['hint']}>
                <RelativeTime at={slot} />
              </span>
            </li>
          ))}
        </ol>
        <Months slots={slots} zone={zone} />
      </div>
      {skipped.map(({ reason, count, from, to }) => (
        <p key={`${reason} ${from}`} className={styles['hint']}>
          {texts.skipped(count, skipReason(texts, reason))} <AbsoluteTime at={from} /> – <AbsoluteTime at={to} />
        </p>
      ))}
    </div>
  )
}

function Months({ slots, zone }: { readonly slots: Preview['slots']; readonly zone: string }): ReactNode {
  const { language } = useLanguage()
  const { schedule: texts } = useMessages()
  const months = monthsOf(slots).slice(0, 3)
  return (
    <figure className={styles['months']} aria-label={texts.calendarOf(zone)}>
      {months.map(({ month, blanks, days }) => (
        <div key={month} className={styles['month']}>
          <p className={styles['title']}>
            {new Intl.DateTimeFormat(language, { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
              new Date(`${month}-01T00:00:00Z`),
            )}
          </p>
          <div className={styles['days']}>
            {weekdays(language).map((day) => (
              <span key={day} className={styles['weekday']} aria-hidden="true">
                {day}
              </span>
            ))}
            {Array.from({ length: blanks }, (_, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: empty places have no other name.
              <span key={i} aria-hidden="true" />
            ))}
            {days.map(({ day, date, slots: own }) => (
              <span key={day} className={styles['day']} data-has={own.length > 0} title={own.map(({ local }) => local).join('\n')}>
                {date}
                {own.length > 1 && <small>×{own.length}</small>}
              </span>
            ))}
          </div>
        </div>
      ))}
    </figure>
  )
}

/** Monday first, as weeks are numbered. The first of January 2024 was one. */
const weekdays = (language: string): string[] =>
  Array.from({ length: 7 }, (_, i) =>
    new Intl.DateTimeFormat(language, { weekday: 'short', timeZone: 'UTC' }).format(Date.UTC(2024, 0, 1 + i)),
  )
