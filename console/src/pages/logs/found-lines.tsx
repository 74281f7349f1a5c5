import type { LogView } from '@carillon/contracts'
import { memo, type ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { AbsoluteTime } from '../../time/time.tsx'
import { fieldsText, plainMessage } from '../run/log/log-text.ts'
import styles from './logs-page.module.css'

/** What a line shows here; the log of its run has all of it. */
const SHOWN_LETTERS = 2_000

/** Lines with the run that has written each: a link to its log, which shows the level and the lines around. */
export const FoundLines = memo(function Lines({ lines }: { readonly lines: readonly LogView[] }): ReactNode {
  const { logs: texts } = useMessages()
  return (
    <ol className={styles['lines']} aria-label={texts.title}>
      {lines.map((line) => (
        <li key={`${line.taskId} ${line.attempt} ${line.seq}`} data-level={line.level} data-row={line.runId}>
          <AbsoluteTime at={line.at} />
          <span className={styles['level']}>{line.level}</span>
          <span className={styles['run']}>
            <PageLink page={`runs/${line.runId}`} search={{ tab: 'log' }}>
              {line.runId.slice(0, 12)}
            </PageLink>{' '}
            <span className="muted">{line.instance}</span>
          </span>
          <span className={styles['message']}>
            {plainMessage(line.message.slice(0, SHOWN_LETTERS))}
            {line.fields !== undefined && <span className="muted"> {plainMessage(fieldsText(line.fields).slice(0, SHOWN_LETTERS))}</span>}
          </span>
        </li>
      ))}
    </ol>
  )
})
