import type { JobView } from '@carillon/contracts'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useCall } from '../../api/use-call.ts'
import { useMessages } from '../../language/language-context.tsx'
import { Page } from '../../parts/page.tsx'
import { PageLink, pathPart } from '../../parts/page-link.tsx'
import { EmptyState, ErrorState, LoadingState } from '../../parts/states.tsx'
import { pagePath } from '../../url/page-path.ts'
import { textOf } from '../../url/search.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import { emptyDocument } from '../../workflow/document.ts'
import { documentOf } from '../../workflow/files.ts'
import { draftOf } from '../job/job-input.ts'
import { JobState } from '../jobs/jobs-page.tsx'
import { FollowedRun } from './followed-run.tsx'
import { WorkflowEditor } from './workflow-editor.tsx'

/** The graph of a job: edited, or followed while a run goes through it (`?run=`). */
export function WorkflowPage(): ReactNode {
  const { name = '' } = useParams({ strict: false }) as { readonly name?: string }
  const { data: job, error, refetch } = useCall('jobsGet', { name })
  if (job !== undefined) return <LoadedWorkflow job={job} />
  return (
    <Page title={name}>
      {error === null ? <LoadingState /> : <ErrorState error={error} onRetry={() => refetch().catch(() => undefined)} />}
    </Page>
  )
}

function LoadedWorkflow({ job }: { readonly job: JobView }): ReactNode {
  const { workflow: texts, jobs } = useMessages()
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>
  const run = textOf(search, 'run')
  // What was loaded stays what is edited: someone else's change is refused when it is saved, not merged in silence.
  const [edited, setEdited] = useState(job)
  const path = (
    <>
      <PageLink page="jobs">{jobs.title}</PageLink> / <PageLink page={`jobs/${pathPart(job.name)}`}>{job.name}</PageLink>
    </>
  )
  if (job.workflow === undefined)
    return (
      <Page title={job.name} path={path}>
        <EmptyState title={texts.noWorkflow} />
      </Page>
    )
  return (
    <Page title={job.name} path={path} mark={<JobState job={job} />}>
      {run === undefined ? (
        <WorkflowEditor key={edited.revision} initial={documentOf(draftOf(edited))} job={edited} onSaved={setEdited} />
      ) : (
        <FollowedRun runId={run} />
      )}
    </Page>
  )
}

export function NewWorkflowPage(): ReactNode {
  const { jobs: texts } = useMessages()
  const namespace = useNamespace()
  const navigate = useNavigate()
  const open = ({ name }: JobView) => {
    navigate({ to: pagePath(namespace, `workflows/${pathPart(name)}`) }).catch(() => undefined)
  }
  return (
    <Page title={texts.createWorkflow} path={<PageLink page="jobs">{texts.title}</PageLink>}>
      <WorkflowEditor initial={emptyDocument('')} job={undefined} onSaved={open} />
    </Page>
  )
}
