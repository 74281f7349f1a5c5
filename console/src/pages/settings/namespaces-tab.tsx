import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Section } from '../../parts/page.tsx'
import { LoadingState } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { sessionQuery } from '../../session/session.ts'
import { pagePath } from '../../url/page-path.ts'
import type { Rights } from './rights-fields.tsx'

/** Where the reader may do something, and what. */
export function NamespacesTab(): ReactNode {
  const { settings: texts, session } = useMessages()
  const { data } = useQuery(sessionQuery)
  const rows = Object.entries(data?.namespaces ?? {}).map(([name, rights]) => ({ name, ...rights }))
  const columns: Column<Rights & { readonly name: string }>[] = [
    { key: 'name', title: texts.name, cell: ({ name }) => <Link to={pagePath(name, 'overview')}>{name}</Link> },
    { key: 'role', title: texts.yourRole, cell: ({ role }) => session.roles[role] },
    { key: 'payloads', title: texts.payloads, cell: ({ payloads }) => (payloads ? texts.yes : texts.no) },
  ]
  return (
    <Section title={texts.tabs.namespaces}>
      {data === undefined ? (
        <LoadingState />
      ) : (
        <Table name={texts.tabs.namespaces} columns={columns} rows={rows} idOf={({ name }) => name} />
      )}
    </Section>
  )
}
