import { useInfiniteQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { namespacePath } from '../../api/call-request.ts'
import { request } from '../../api/request.ts'
import { writeExactly } from '../../forms/exact-json.ts'
import { useMessages } from '../../language/language-context.tsx'
import { ListStates } from '../../parts/list-states.tsx'
import { MoreButton } from '../../parts/more-button.tsx'
import { Section } from '../../parts/page.tsx'
import { Badge } from '../../parts/state-badge.tsx'
import { AbsoluteTime } from '../../time/time.tsx'
import { useNamespace } from '../../url/use-namespace.ts'
import layout from '../layout.module.css'

/** Who has changed what, and what came of it. */
interface AuditEntry {
  readonly id: string
  readonly at: string
  readonly action: string
  readonly actor?: string
  readonly via?: string
  readonly address?: string
  readonly resource?: string
  readonly outcome: string
  readonly details?: Readonly<Record<string, unknown>>
}
interface AuditPage {
  readonly items: readonly AuditEntry[]
  readonly next?: string
}

export function AuditTab(): ReactNode {
  const { settings: texts } = useMessages()
  const namespace = useNamespace()
  const query = useInfiniteQuery({
    queryKey: [namespace, 'access', 'audit'],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      request<AuditPage>(`${namespacePath(namespace)}/audit${pageParam === '' ? '' : `?cursor=${encodeURIComponent(pageParam)}`}`, {
        signal,
      }),
    getNextPageParam: ({ next }) => next,
  })
  const entries = query.data?.pages.flatMap(({ items }) => items)
  const more = {
    hasMore: query.hasNextPage,
    isMore: query.isFetchingNextPage,
    loadMore: () => {
      query.fetchNextPage().catch(() => undefined)
    },
  }
  return (
    <Section title={texts.tabs.audit}>
      <ListStates items={entries} error={query.error} onRetry={() => query.refetch().catch(() => undefined)} empty={texts.noAudit} />
      {entries?.map((entry) => (
        <Entry key={entry.id} entry={entry} />
      ))}
      <MoreButton pages={more} />
    </Section>
  )
}

function Entry({ entry: { at, action, actor, via, address, resource, outcome, details } }: { readonly entry: AuditEntry }): ReactNode {
  const { settings: texts } = useMessages()
  return (
    <article className={layout['card']}>
      <div className={layout['head']}>
        <strong>{action}</strong>
        {resource !== undefined && resource !== null && <span>{resource}</span>}
        <Badge tone={outcome === 'done' ? 'good' : 'bad'}>{outcome === 'done' ? texts.done : outcome}</Badge>
        <span className={layout['muted']}>{[actor, via, address].filter((part) => part !== undefined && part !== null).join(' · ')}</span>
        <span className={`${layout['small']} ${layout['push']}`}>
          <AbsoluteTime at={at} />
        </span>
      </div>
      {details !== undefined && details !== null && Object.keys(details).length > 0 && (
        <details>
          <summary className={layout['small']}>{texts.details}</summary>
          <pre className={layout['code']}>{writeExactly(details, 2)}</pre>
        </details>
      )}
    </article>
  )
}
