import type { TreeNode } from '@carillon/contracts'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useMessages } from '../../../language/language-context.tsx'
import { Section } from '../../../parts/page.tsx'
import { StateBadge } from '../../../parts/state-badge.tsx'
import { type Column, Table } from '../../../parts/table.tsx'
import { Duration } from '../../../time/time.tsx'
import { pagePath } from '../../../url/page-path.ts'
import { useNamespace } from '../../../url/use-namespace.ts'

/** The nodes of a workflow in this run, as a list. */
export function NodesTable({ nodes }: { readonly nodes: readonly TreeNode[] }): ReactNode {
  const { run } = useMessages()
  const namespace = useNamespace()
  const columns: readonly Column<TreeNode>[] = [
    {
      key: 'node',
      title: run.node,
      cell: ({ id, childRunId }) => (childRunId === undefined ? id : <Link to={pagePath(namespace, `runs/${childRunId}`)}>{id}</Link>),
    },
    { key: 'state', title: run.state, cell: ({ state }) => <StateBadge state={state} /> },
    { key: 'kind', title: run.kind, cell: ({ kind }) => kind, isSecondary: true },
    {
      key: 'took',
      title: run.facts.took,
      isNumber: true,
      cell: ({ startedAt, endedAt }) => startedAt !== undefined && <Duration from={startedAt} to={endedAt} />,
    },
    { key: 'attempt', title: run.facts.attempt, isNumber: true, isSecondary: true, cell: ({ attempt }) => attempt },
    { key: 'waits', title: run.waitsFor, isSecondary: true, cell: ({ waitsFor = [] }) => waitsFor.join(', ') },
  ]
  return (
    <Section title={run.nodes}>
      <Table name={run.nodes} columns={columns} rows={nodes} idOf={({ id }) => id} />
    </Section>
  )
}
