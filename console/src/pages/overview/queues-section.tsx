import type { StatsGate, StatsQueue } from '@carillon/contracts'
import { WAITING_REASONS } from '@carillon/contracts'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Section } from '../../parts/page.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { useLiveCall } from '../../stream/use-live-call.ts'
import { formatDuration } from '../../time/format.ts'
import { pagePath } from '../../url/page-path.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import styles from './overview-page.module.css'

const WITHIN_MS = 2_000

/** What waits, why and how long: by handler, and at which gates. */
export function QueuesSection(): ReactNode {
  const { overview } = useMessages()
  const queues = useLiveCall('statsQueues', {}, { topics: ['runs', 'instances'], withinMs: WITHIN_MS })
  const columns = useColumns()
  if (queues.data === undefined || queues.data.handlers.length === 0) return null
  const full = queues.data.gates.filter(({ isFull }) => isFull)
  return (
    <Section title={overview.queues}>
      <Table name={overview.queues} columns={columns} rows={queues.data.handlers} idOf={({ handler }) => handler} />
      {full.length > 0 && (
        <ul className={styles['gates']} aria-label={overview.gates}>
          {full.map((gate) => (
            <Gate key={`${gate.job} ${gate.handler} ${gate.key}`} gate={gate} />
          ))}
        </ul>
      )}
    </Section>
  )
}

function Gate({ gate: { job, handler, key, holders, limit, waiting, oldestMs } }: { readonly gate: StatsGate }): ReactNode {
  const { overview } = useMessages()
  return (
    <li>
      <strong>{job ?? handler}</strong> {key !== undefined && <code>{key}</code>} {overview.gate(holders, String(limit ?? '∞'))},{' '}
      {overview.gateWaiting(waiting)}, {overview.oldest(formatDuration(oldestMs))}
    </li>
  )
}

function useColumns(): readonly Column<StatsQueue>[] {
  const { overview, parts } = useMessages()
  const namespace = useNamespace()
  return [
    {
      key: 'handler',
      title: overview.handler,
      cell: ({ handler }) => (
        <Link to={pagePath(namespace, `runs?handler=${encodeURIComponent(handler)}&state=waiting,delayed,queued,running`)}>{handler}</Link>
      ),
    },
    { key: 'waiting', title: overview.waiting, isNumber: true, cell: ({ waiting }) => parts.counted(waiting) },
    {
      key: 'oldest',
      title: overview.oldestColumn,
      isNumber: true,
      cell: ({ oldestMs, oldestRunId }) =>
        oldestMs !== undefined &&
        (oldestRunId === undefined ? (
          formatDuration(oldestMs)
        ) : (
          <Link to={pagePath(namespace, `runs/${oldestRunId}`)}>{formatDuration(oldestMs)}</Link>
        )),
    },
    {
      key: 'why',
      title: overview.why,
      isSecondary: true,
      cell: ({ reasons }) =>
        WAITING_REASONS.flatMap((reason) => {
          const count = reasons[reason] ?? 0
          return count === 0 ? [] : [overview.reasons[reason](count)]
        }).join(' · '),
    },
    { key: 'running', title: overview.runningColumn, isNumber: true, cell: ({ running }) => parts.counted(running) },
    {
      key: 'executors',
      title: overview.executors,
      isNumber: true,
      isSecondary: true,
      cell: ({ available, instances }) => `${available} / ${instances}`,
    },
  ]
}
