import type { JobView } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { usePages } from '../../api/use-pages.ts'
import { useMessages } from '../../language/language-context.tsx'
import { ListStates } from '../../parts/list-states.tsx'
import { MoreButton } from '../../parts/more-button.tsx'
import { Section } from '../../parts/page.tsx'
import { PageLink, pathPart } from '../../parts/page-link.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { useNamespace } from '../../url/use-namespace.ts'
import layout from '../layout.module.css'

/** The URL of each job; its secrets are on the page of the job. */
export function WebhooksTab(): ReactNode {
  const { settings: texts, jobs: jobTexts } = useMessages()
  const namespace = useNamespace()
  const pages = usePages('jobsList', { limit: 100 }, { topics: ['jobs'] })
  const jobs = pages.items as readonly JobView[] | undefined
  const columns: Column<JobView>[] = [
    {
      key: 'job',
      title: jobTexts.name,
      cell: ({ name }) => (
        <PageLink page={`jobs/${pathPart(name)}`} search={{ tab: 'webhook' }}>
          {name}
        </PageLink>
      ),
    },
    {
      key: 'url',
      title: texts.webhookUrl,
      cell: ({ name }) => <span className={layout['code']}>{`/hooks/${pathPart(namespace)}/${pathPart(name)}`}</span>,
    },
  ]
  return (
    <Section title={texts.tabs.webhooks}>
      <p className={layout['padded']}>{texts.webhooksText}</p>
      <ListStates items={jobs} error={pages.error} onRetry={pages.reload} empty={jobTexts.nothing} />
      {jobs !== undefined && jobs.length > 0 && (
        <Table name={texts.tabs.webhooks} columns={columns} rows={jobs} idOf={({ name }) => name} />
      )}
      <MoreButton pages={pages} />
    </Section>
  )
}
