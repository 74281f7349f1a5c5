import type { JobView } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { useCall } from '../../api/use-call.ts'
import { useMessages } from '../../language/language-context.tsx'
import { Section } from '../../parts/page.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { EmptyState, LoadingState } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { BackfillButton } from '../../schedule/backfill-button.tsx'
import { zoneOf } from '../../schedule/draft.ts'
import { skipReason } from '../../schedule/words.ts'
import { useLiveCall } from '../../stream/use-live-call.ts'
import { systemClock } from '../../time/clock.ts'
import { AbsoluteTime, RelativeTime } from '../../time/time.tsx'
import layout from '../layout.module.css'

const NEWEST = 5

/** What a job has missed: the slots since it was paused, and the newest ones that have no run of their own. */
export function MissedSection({ job }: { readonly job: JobView }): ReactNode {
  const { schedule: texts } = useMessages()
  return (
    <Section
      title={texts.missed}
      side={
        <PageLink page="runs" search={{ job: job.name, state: 'skipped' }}>
          {texts.allSkipped}
        </PageLink>
      }
    >
      {job.state === 'paused' && <SincePause job={job} />}
      <Skipped job={job} />
    </Section>
  )
}

/** When a job was paused: its history knows, whatever was changed since. */
function usePausedAt({ name, state, revision, updatedAt }: JobView): string | undefined {
  const { data } = useCall('jobsHistory', { name, limit: 20 }, { enabled: state === 'paused' })
  const change = data?.items.find((one) => one.change === 'paused' && one.revision <= revision)
  return state === 'paused' && data !== undefined ? (change?.at ?? updatedAt) : undefined
}

function SincePause({ job }: { readonly job: JobView }): ReactNode {
  const { schedule: texts } = useMessages()
  const since = usePausedAt(job)
  return (
    since !== undefined && (
      <div className={layout['padded']}>
        <p>
          {texts.pausedSince} <AbsoluteTime at={since} /> (<RelativeTime at={since} />
          ).
        </p>
        <Passed key={since} job={job} since={since} />
      </div>
    )
  )
}

/** The slots that would have been fired meanwhile, up to when the page was opened. */
function Passed({ job, since }: { readonly job: JobView; readonly since: string }): ReactNode {
  const { schedule: texts } = useMessages()
  const [now] = useState(() => new Date(systemClock.now()).toISOString())
  const question = { name: job.name, misfire: 'all' as const, count: 1, missed: { from: since, to: now } }
  const { data } = useCall('jobsPreview', question, { enabled: since < now })
  const slots = data?.missed?.run ?? []
  if (data === undefined) return null
  return (
    <>
      <p>{texts.passed(slots.length)}</p>
      {slots.length > 0 && <BackfillButton name={job.name} slots={slots} />}
    </>
  )
}

function Skipped({ job }: { readonly job: JobView }): ReactNode {
  const { schedule: texts } = useMessages()
  const { data } = useLiveCall(
    'runsList',
    { job: job.name, state: 'skipped', limit: NEWEST },
    { topics: ['runs'], concerns: ({ body }) => body['job'] === job.name },
  )
  type Run = NonNullable<typeof data>['items'][number]
  const zone = job.schedule === undefined ? undefined : zoneOf(job.schedule)
  const columns: Column<Run>[] = [
    {
      key: 'slot',
      title: texts.slot,
      cell: ({ runId, slot, createdAt }) => (
        <PageLink page={`runs/${runId}`}>
          <AbsoluteTime at={slot ?? createdAt} zone={zone} />
        </PageLink>
      ),
    },
    { key: 'reason', title: texts.reason, cell: ({ reason = '' }) => skipReason(texts, reason) },
  ]
  if (data === undefined) return <LoadingState />
  if (data.items.length === 0) return job.state === 'paused' ? null : <EmptyState title={texts.missedNothing} />
  return <Table name={texts.missed} columns={columns} rows={data.items} idOf={({ runId }) => runId} />
}
