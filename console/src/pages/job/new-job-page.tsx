import { useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Page } from '../../parts/page.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { pagePath } from '../../url/page-path.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import { JobEditor } from './definition-tab.tsx'

const EMPTY = { name: '' }

export function NewJobPage(): ReactNode {
  const { jobs: texts } = useMessages()
  const namespace = useNamespace()
  const navigate = useNavigate()
  const open = ({ name }: { readonly name: string }) => {
    navigate({ to: pagePath(namespace, `jobs/${encodeURIComponent(name)}`) }).catch(() => undefined)
  }
  return (
    <Page title={texts.create} path={<PageLink page="jobs">{texts.title}</PageLink>}>
      <JobEditor initial={EMPTY} revision={undefined} onSaved={open} />
    </Page>
  )
}
