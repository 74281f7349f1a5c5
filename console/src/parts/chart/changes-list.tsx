import type { StatsMark } from '@carillon/contracts'
import type { ReactNode } from 'react'
import type { Messages } from '../../language/en/messages.ts'
import { useMessages } from '../../language/language-context.tsx'
import { AbsoluteTime } from '../../time/time.tsx'
import { Section } from '../page.tsx'
import { PageLink, pathPart } from '../page-link.tsx'
import styles from './chart.module.css'
import type { ChartMark } from './chart-data.ts'

/** More are not read. */
const SHOWN = 12

/** What has changed meanwhile, the newest first: each leads to what differs. The charts have a line for it. */
export function ChangesList({ marks }: { readonly marks: readonly StatsMark[] }): ReactNode {
  const { overview } = useMessages()
  if (marks.length === 0) return null
  return (
    <Section title={overview.changes}>
      <ul className={styles['changes']}>
        {marks
          .toReversed()
          .slice(0, SHOWN)
          .map((mark) => (
            <li key={`${mark.at} ${mark.kind}`}>
              <AbsoluteTime at={mark.at} />
              <span className={styles['kind']}>{kindText(mark, overview)}</span>
              <span className={styles['what']}>
                {mark.items.map((item, i) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: the items of a mark have no other name, and their order is fixed.
                  <span key={i}>
                    {i > 0 && ', '}
                    <ChangedItem item={item} />
                  </span>
                ))}
                {mark.count > mark.items.length && ' …'}
              </span>
            </li>
          ))}
      </ul>
    </Section>
  )
}

function ChangedItem({ item: { job, by, service, version } }: { readonly item: StatsMark['items'][number] }): ReactNode {
  if (job === undefined) return <PageLink page="executors" search={{ text: service }}>{`${service} ${version}`}</PageLink>
  return (
    <>
      <PageLink page={`jobs/${pathPart(job)}`} search={{ tab: 'history' }}>
        {job}
      </PageLink>
      {by !== undefined && <span className="muted"> {by}</span>}
    </>
  )
}

const kindText = ({ kind, count }: StatsMark, { changeKinds }: Messages['overview']) =>
  count > 1 ? `${changeKinds[kind]} × ${count}` : changeKinds[kind]

/** The marks as a chart draws them. */
export const chartMarks = (marks: readonly StatsMark[], texts: Messages['overview']): readonly ChartMark[] =>
  marks.map((mark) => ({ at: Date.parse(mark.at) / 1_000, title: kindText(mark, texts) }))
