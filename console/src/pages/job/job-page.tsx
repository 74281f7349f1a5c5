import type { JobView } from '@carillon/contracts'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Button, RoleButton } from '../../parts/button.tsx'
import { Page } from '../../parts/page.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { ErrorState, LoadingState } from '../../parts/states.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { useLiveCall } from '../../stream/use-live-call.ts'
import { pagePath } from '../../url/page-path.ts'
import { oneOf } from '../../url/search.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import { JobState } from '../jobs/jobs-page.tsx'
import { DefinitionTab } from './definition-tab.tsx'
import { HistoryTab } from './history-tab.tsx'
import { PauseDialog, RemoveDialog, ResumeButton } from './job-actions.tsx'
import { OverviewTab } from './overview-tab.tsx'
import { StartDialog } from './start-dialog.tsx'
import { WebhookTab } from './webhook-tab.tsx'

const TABS = ['overview', 'definition', 'history', 'webhook'] as const

export function JobPage(): ReactNode {
  const { name = '' } = useParams({ strict: false }) as { readonly name?: string }
  const { job: texts, jobs: listTexts } = useMessages()
  const { data: job, error, refetch } = useLiveCall('jobsGet', { name }, { topics: ['jobs'], concerns: (message) => message.name === name })
  const path = <PageLink page="jobs">{listTexts.title}</PageLink>
  if (job === undefined)
    return (
      <Page title={name} path={path}>
        {error === null ? <LoadingState /> : <ErrorState error={error} onRetry={() => refetch().catch(() => undefined)} />}
        {error !== null && <RemovedHistory name={name} title={texts.tabs.history} />}
      </Page>
    )
  return (
    <Page title={name} path={path} mark={<JobState job={job} />} actions={<JobActions job={job} />}>
      <JobContent job={job} />
    </Page>
  )
}

/** A job that was removed still has its history. */
function RemovedHistory({ name, title }: { readonly name: string; readonly title: string }): ReactNode {
  const [isShown, setShown] = useState(false)
  return isShown ? <HistoryTab name={name} /> : <Button onClick={() => setShown(true)}>{title}</Button>
}

function JobContent({ job }: { readonly job: JobView }): ReactNode {
  const { job: texts } = useMessages()
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>
  const tab = oneOf(search, 'tab', TABS) ?? 'overview'
  return (
    <>
      <Tabs name={texts.tabsName} active={tab} tabs={TABS.map((id) => ({ id, title: texts.tabs[id] }))} />
      {tab === 'overview' && <OverviewTab job={job} />}
      {tab === 'definition' && <DefinitionTab job={job} />}
      {tab === 'history' && <HistoryTab name={job.name} />}
      {tab === 'webhook' && <WebhookTab job={job.name} />}
    </>
  )
}

function JobActions({ job }: { readonly job: JobView }): ReactNode {
  const { job: texts } = useMessages()
  const namespace = useNamespace()
  const navigate = useNavigate()
  const [dialog, setDialog] = useState<'start' | 'pause' | 'remove'>()
  const close = () => setDialog(undefined)
  return (
    <>
      <RoleButton role="operator" look="main" onClick={() => setDialog('start')}>
        {texts.start}
      </RoleButton>
      {job.state === 'active' && (
        <RoleButton role="operator" onClick={() => setDialog('pause')}>
          {texts.pause}
        </RoleButton>
      )}
      {job.state === 'paused' && <ResumeButton name={job.name} />}
      {job.workflow !== undefined && (
        <Button onClick={() => navigate({ to: pagePath(namespace, `workflows/${encodeURIComponent(job.name)}`) }).catch(() => undefined)}>
          {texts.openWorkflow}
        </Button>
      )}
      <RoleButton role="developer" onClick={() => setDialog('remove')}>
        {texts.remove}
      </RoleButton>
      {dialog === 'start' && <StartDialog job={job} onClose={close} />}
      {dialog === 'pause' && <PauseDialog name={job.name} onClose={close} />}
      {dialog === 'remove' && <RemoveDialog name={job.name} onClose={close} />}
    </>
  )
}
