import type { StatsJob } from '@carillon/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useLanguage, useMessages } from '../../language/language-context.tsx'
import { Field, Select } from '../../parts/field.tsx'
import { Facts, Section } from '../../parts/page.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { EmptyState, LoadingState, ProblemNote } from '../../parts/states.tsx'
import { useLiveCall } from '../../stream/use-live-call.ts'
import { formatDuration, formatTime, viewerZone } from '../../time/format.ts'
import { RelativeTime } from '../../time/time.tsx'
import { oneOf } from '../../url/search.ts'
import layout from '../layout.module.css'
import styles from './job-statistics.module.css'
import { barsOf } from './stat-bars.ts'

const RANGES = ['1h', '24h', '7d', '30d'] as const

/** What the runs of a job have come to. */
export function JobStatistics({ name }: { readonly name: string }): ReactNode {
  const { job: texts } = useMessages()
  const navigate = useNavigate()
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>
  const range = oneOf(search, 'range', RANGES) ?? '24h'
  const { data, error } = useLiveCall(
    'statsJob',
    { name, range, zone: viewerZone() },
    { topics: ['runs'], concerns: ({ body, what }) => body['job'] === name && what !== 'started' && what !== 'progress' },
  )
  return (
    <Section
      title={texts.statistics}
      side={
        <Field label={texts.range} isLabelHidden>
          <Select
            value={range}
            options={RANGES.map((value) => ({ value, label: texts.ranges[value] }))}
            onChange={(event) => {
              navigate({ to: '.', search: { ...search, range: event.currentTarget.value } as never, replace: true }).catch(() => undefined)
            }}
          />
        </Field>
      }
    >
      {error !== null && data === undefined && (
        <div className={layout['padded']}>
          <ProblemNote error={error} />
        </div>
      )}
      {data === undefined && error === null && <LoadingState />}
      {data?.totals.ended === 0 && <EmptyState title={texts.noneEnded} />}
      {data !== undefined && data.totals.ended > 0 && <Counted statistics={data} />}
    </Section>
  )
}

function Counted({ statistics }: { readonly statistics: StatsJob }): ReactNode {
  const { job: texts } = useMessages()
  const { totals, errors } = statistics
  const { states, runMs, waitMs, lateMs } = totals
  const failed = (states.failed ?? 0) + (states.timed_out ?? 0) + (states.expired ?? 0)
  const times = (of: typeof runMs) =>
    of.p50 === undefined || of.p95 === undefined ? '–' : `${formatDuration(of.p50)} / ${formatDuration(of.p95)}`
  return (
    <>
      <Facts
        facts={[
          { name: texts.ended, value: texts.counts(states.succeeded ?? 0, failed) },
          { name: texts.runTime, value: times(runMs) },
          { name: texts.waitTime, value: times(waitMs) },
          { name: texts.lateness, value: times(lateMs) },
          { name: texts.retries, value: String(totals.retries) },
        ]}
      />
      <Bars statistics={statistics} />
      {errors.length > 0 && (
        <ul className={layout['padded']}>
          {errors.slice(0, 5).map(({ fingerprint, message, name: kind, count, lastAt, runId }) => (
            <li key={fingerprint} className={layout['code']}>
              {count} × {kind}: {message} · <RelativeTime at={lastAt} /> · <PageLink page={`runs/${runId}`}>{runId}</PageLink>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

const BOX = { width: 960, height: 90 } as const

/** Ends by time: good ones below, failed ones on top. The same numbers are a table for screen readers. */
function Bars({ statistics: { points } }: { readonly statistics: StatsJob }): ReactNode {
  const { job: texts } = useMessages()
  const { language } = useLanguage()
  const timeText = (at: string) => formatTime(at, { language, zone: viewerZone() })
  const bars = barsOf(points, BOX)
  return (
    <figure className={styles['chart']}>
      <svg viewBox={`0 0 ${BOX.width} ${BOX.height}`} preserveAspectRatio="none" aria-hidden="true">
        {bars.map(({ at, x, width, good, bad }) => (
          <g key={at}>
            <rect className={styles['good']} x={x} width={width} y={BOX.height - good} height={good} />
            <rect className={styles['bad']} x={x} width={width} y={BOX.height - good - bad} height={bad} />
            <title>{timeText(at)}</title>
          </g>
        ))}
      </svg>
      <table className="visually-hidden">
        <caption>{texts.statistics}</caption>
        <thead>
          <tr>
            <th scope="col">{texts.when}</th>
            <th scope="col">{texts.ended}</th>
          </tr>
        </thead>
        <tbody>
          {points
            .filter(({ ended }) => ended > 0)
            .map(({ at, ended, states }) => (
              <tr key={at}>
                <td>{timeText(at)}</td>
                <td>{texts.counts(states.succeeded ?? 0, ended - (states.succeeded ?? 0))}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </figure>
  )
}
