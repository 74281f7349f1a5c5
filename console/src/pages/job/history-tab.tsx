import type { JobChange } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { usePages } from '../../api/use-pages.ts'
import { writeExactly } from '../../forms/exact-json.ts'
import { useMessages } from '../../language/language-context.tsx'
import { ListStates } from '../../parts/list-states.tsx'
import { MoreButton } from '../../parts/more-button.tsx'
import { Section } from '../../parts/page.tsx'
import { Badge } from '../../parts/state-badge.tsx'
import { AbsoluteTime } from '../../time/time.tsx'
import layout from '../layout.module.css'

/** Who changed the job, when, and what differs. */
export function HistoryTab({ name }: { readonly name: string }): ReactNode {
  const { job: texts } = useMessages()
  const pages = usePages('jobsHistory', { name, limit: 20 }, { topics: ['jobs'] })
  const changes = pages.items as readonly JobChange[] | undefined
  return (
    <Section title={texts.tabs.history}>
      <ListStates items={changes} error={pages.error} onRetry={pages.reload} empty={texts.noHistory} />
      {changes?.map((change) => (
        <ChangeCard key={change.revision} change={change} />
      ))}
      <MoreButton pages={pages} />
    </Section>
  )
}

function ChangeCard({ change }: { readonly change: JobChange }): ReactNode {
  const { job: texts } = useMessages()
  const { fields = [] } = change
  return (
    <article className={layout['card']}>
      <div className={layout['head']}>
        <Badge tone="calm">{texts.changes[change.change]}</Badge>
        <span>{texts.revision(change.revision)}</span>
        {change.version !== undefined && <span className={layout['small']}>{texts.version(change.version)}</span>}
        <span className={layout['muted']}>{change.by ?? ''}</span>
        <span className={`${layout['small']} ${layout['push']}`}>
          <AbsoluteTime at={change.at} />
        </span>
      </div>
      {fields.length > 0 && (
        <ul className={layout['list']}>
          {fields.map(({ field, from, to }) => (
            <li key={field} className={layout['code']}>
              {field}: {from !== undefined && <del className={layout['from']}>{writeExactly(from)}</del>}{' '}
              {to !== undefined && <ins className={layout['to']}>{writeExactly(to)}</ins>}
            </li>
          ))}
        </ul>
      )}
    </article>
  )
}
