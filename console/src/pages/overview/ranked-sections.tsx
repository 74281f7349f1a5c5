import type { StatsOverview, StatsRanked } from '@carillon/contracts'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Section } from '../../parts/page.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { formatDuration } from '../../time/format.ts'
import { pagePath } from '../../url/page-path.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import styles from './overview-page.module.css'

const idOf = ({ job, handler }: StatsRanked) => `${job ?? ''} ${handler ?? ''}`

/** The jobs that take longest, and those that fail most. */
export function RankedSections({ stats: { slowest, failing } }: { readonly stats: StatsOverview }): ReactNode {
  const { overview, parts } = useMessages()
  const namespace = useNamespace()
  const name: Column<StatsRanked> = {
    key: 'job',
    title: overview.job,
    cell: ({ job, handler = '' }) =>
      job === undefined ? (
        <Link to={pagePath(namespace, `runs?handler=${encodeURIComponent(handler)}`)}>{handler}</Link>
      ) : (
        <Link to={pagePath(namespace, `jobs/${encodeURIComponent(job)}`)}>{job}</Link>
      ),
  }
  const runs: Column<StatsRanked> = { key: 'runs', title: overview.runs, isNumber: true, cell: ({ ended }) => parts.counted(ended) }
  const time = (ms: number | undefined) => (ms === undefined ? '–' : formatDuration(ms))
  return (
    <div className={styles['ranked']}>
      {failing.length > 0 && (
        <Section title={overview.failing}>
          <Table
            name={overview.failing}
            columns={[name, { key: 'failed', title: overview.failures, isNumber: true, cell: ({ failed }) => parts.counted(failed) }, runs]}
            rows={failing}
            idOf={idOf}
          />
        </Section>
      )}
      {slowest.length > 0 && (
        <Section title={overview.slowest}>
          <Table
            name={overview.slowest}
            columns={[
              name,
              { key: 'mean', title: overview.mean, isNumber: true, cell: ({ runMs }) => time(runMs.mean) },
              { key: 'max', title: overview.longest, isNumber: true, cell: ({ runMs }) => time(runMs.max) },
              runs,
            ]}
            rows={slowest}
            idOf={idOf}
          />
        </Section>
      )}
    </div>
  )
}
