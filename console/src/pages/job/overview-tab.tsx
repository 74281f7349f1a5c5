import type { JobView } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Facts, Section } from '../../parts/page.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { Badge, StateBadge } from '../../parts/state-badge.tsx'
import { EmptyState, LoadingState } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { zoneOf } from '../../schedule/draft.ts'
import { MisfireSimulator } from '../../schedule/misfire-simulator.tsx'
import { SchedulePreview } from '../../schedule/schedule-preview.tsx'
import { ScheduleText } from '../../schedule/schedule-text.tsx'
import { useLiveCall } from '../../stream/use-live-call.ts'
import { formatDuration } from '../../time/format.ts'
import { AbsoluteTime, Duration, RelativeTime } from '../../time/time.tsx'
import layout from '../layout.module.css'
import { JobStatistics } from './job-statistics.tsx'
import { MissedSection } from './missed-section.tsx'

const NEWEST = 10

export function OverviewTab({ job }: { readonly job: JobView }): ReactNode {
  const { job: texts, schedule: scheduleTexts } = useMessages()
  return (
    <>
      {job.note !== undefined && <p className={layout['note']}>{job.note}</p>}
      {job.edited === true && <p className={layout['note']}>{texts.edited}</p>}
      <Section title={texts.about}>
        {job.description !== undefined && <p className={layout['padded']}>{job.description}</p>}
        <Facts facts={factsOf(job, texts)} />
      </Section>
      <JobStatistics name={job.name} />
      <div className={layout['columns']}>
        <Section title={scheduleTexts.next} side={<ScheduleText schedule={job.schedule} />}>
          <div className={layout['padded']}>
            {job.state === 'paused' && job.schedule !== undefined && <p className={layout['note']}>{scheduleTexts.whilePaused}</p>}
            <SchedulePreview name={job.name} schedule={job.schedule} />
          </div>
        </Section>
        <div className={layout['stack']}>
          <RecentRuns name={job.name} />
          {job.schedule !== undefined && <MissedSection job={job} />}
        </div>
      </div>
      {job.schedule !== undefined && (
        <Section title={scheduleTexts.simulator}>
          <div className={layout['padded']}>
            <MisfireSimulator name={job.name} schedule={job.schedule} misfire={job.misfire} />
          </div>
        </Section>
      )}
    </>
  )
}

function factsOf(job: JobView, texts: ReturnType<typeof useMessages>['job']) {
  const { stats } = job
  const limit = (ms: number | undefined) => (ms === undefined ? [] : [formatDuration(ms)])
  return [
    { name: texts.facts.handler, value: job.workflow === undefined ? job.handler : <Badge tone="calm">{texts.workflow}</Badge> },
    ...(stats ? [{ name: texts.facts.runs, value: texts.counts(stats.succeeded, stats.failed) }] : []),
    ...(stats && stats.failuresInRow > 0 ? [{ name: texts.facts.failuresInRow, value: String(stats.failuresInRow) }] : []),
    ...(stats?.averageMs === undefined ? [] : [{ name: texts.facts.average, value: formatDuration(stats.averageMs) }]),
    ...(stats?.p95Ms === undefined ? [] : [{ name: texts.facts.p95, value: formatDuration(stats.p95Ms) }]),
    { name: texts.facts.attempts, value: String(job.attempts) },
    ...limit(job.timeoutMs).map((value) => ({ name: texts.facts.timeout, value })),
    ...(job.priority === undefined ? [] : [{ name: texts.facts.priority, value: job.priority }]),
    ...(job.overlap === undefined ? [] : [{ name: texts.facts.overlap, value: job.overlap }]),
    ...(job.maxConcurrent === undefined ? [] : [{ name: texts.facts.maxConcurrent, value: String(job.maxConcurrent) }]),
    ...(job.nextAt === undefined
      ? []
      : [{ name: texts.facts.next, value: <AbsoluteTime at={job.nextAt} zone={job.schedule && zoneOf(job.schedule)} /> }]),
    { name: texts.facts.changed, value: <RelativeTime at={job.updatedAt} /> },
    ...(job.by === undefined ? [] : [{ name: texts.facts.by, value: job.by }]),
  ]
}

function RecentRuns({ name }: { readonly name: string }): ReactNode {
  const { job: texts } = useMessages()
  const { data } = useLiveCall('runsList', { job: name, limit: NEWEST }, { topics: ['runs'], concerns: ({ body }) => body['job'] === name })
  type Run = NonNullable<typeof data>['items'][number]
  const columns: Column<Run>[] = [
    {
      key: 'run',
      title: texts.run,
      cell: ({ runId, state }) => (
        <PageLink page={`runs/${runId}`}>
          <StateBadge state={state} />
        </PageLink>
      ),
    },
    { key: 'when', title: texts.when, cell: ({ slot, createdAt }) => <RelativeTime at={slot ?? createdAt} /> },
    {
      key: 'took',
      title: texts.took,
      isNumber: true,
      cell: ({ startedAt, endedAt }) => (startedAt === undefined ? '–' : <Duration from={startedAt} to={endedAt} />),
    },
    { key: 'by', title: texts.trigger, isSecondary: true, cell: ({ trigger, by }) => by ?? texts.triggers[trigger] },
  ]
  return (
    <Section
      title={texts.newest}
      side={
        <PageLink page="runs" search={{ job: name }}>
          {texts.allRuns}
        </PageLink>
      }
    >
      {data === undefined ? (
        <LoadingState />
      ) : data.items.length === 0 ? (
        <EmptyState title={texts.noRuns} />
      ) : (
        <Table name={texts.newest} columns={columns} rows={data.items} idOf={({ runId }) => runId} />
      )}
    </Section>
  )
}
