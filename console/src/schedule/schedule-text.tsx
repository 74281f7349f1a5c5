import type { Schedule } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { SentenceTimes } from '../time/sentence-times.tsx'
import { zoneOf } from './draft.ts'
import { useCronWords } from './use-cron-words.ts'
import { scheduleWords } from './words.ts'

/** What a schedule means, in words, in which zone, with the expression itself on hover. */
export function ScheduleText({ schedule }: { readonly schedule: Schedule | undefined }): ReactNode {
  const { schedule: texts } = useMessages()
  const words = useCronWords()
  const cron = schedule !== undefined && 'cron' in schedule ? schedule.cron : undefined
  const zone = schedule === undefined ? undefined : zoneOf(schedule)
  return (
    <span {...(cron === undefined ? {} : { title: cron })}>
      <SentenceTimes text={scheduleWords(schedule, texts.words, words)} />
      {zone !== undefined && <span className="muted"> · {zone}</span>}
    </span>
  )
}
