import type { Schedule } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { useCronWords } from './use-cron-words.ts'
import { scheduleWords } from './words.ts'

/** What a schedule means, in words, with the expression itself on hover. */
export function ScheduleText({ schedule }: { readonly schedule: Schedule | undefined }): ReactNode {
  const { schedule: texts } = useMessages()
  const words = useCronWords()
  const cron = schedule !== undefined && 'cron' in schedule ? schedule.cron : undefined
  return <span {...(cron === undefined ? {} : { title: cron })}>{scheduleWords(schedule, texts.words, words)}</span>
}
