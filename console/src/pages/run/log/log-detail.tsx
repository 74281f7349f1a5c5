import { withoutTerminalCodes } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { useMessages } from '../../../language/language-context.tsx'
import { Button } from '../../../parts/button.tsx'
import { CopyButton } from '../../../parts/copy-button.tsx'
import { ScrollBox } from '../../../parts/scroll-box.tsx'
import { AbsoluteTime } from '../../../time/time.tsx'
import type { LogSource } from './log-source.ts'
import { type LineRange, textOfLines } from './log-text.ts'
import styles from './log-view.module.css'

/** The selected lines in full, below the log. */
export function LogDetail({
  source,
  range,
  onClose,
}: {
  readonly source: LogSource
  readonly range: LineRange
  readonly onClose: () => void
}): ReactNode {
  const { run, parts } = useMessages()
  const { lines, dropped } = source.buffer
  const selected = lines.slice(Math.max(0, range.from - 1 - dropped), Math.max(0, range.to - dropped))
  const first = selected[0]
  if (first === undefined) return null
  const fields = selected.length === 1 && first.fields !== undefined ? JSON.stringify(first.fields, null, 2) : ''
  return (
    <section className={styles['detail']} aria-label={run.log.selected}>
      <div className={styles['detail-head']}>
        <span className="muted">
          <AbsoluteTime at={first.at} /> · {first.instance}
        </span>
        <CopyButton text={textOfLines(selected)} />
        <CopyButton text={location.href} label={run.log.copyLink} />
        <Button look="quiet" size="small" onClick={onClose}>
          {parts.close}
        </Button>
      </div>
      <ScrollBox className={styles['detail-text']} name={run.log.selected}>
        {selected.length === 1 ? withoutTerminalCodes(first.message) : textOfLines(selected)}
        {fields !== '' && `\n${fields}`}
      </ScrollBox>
    </section>
  )
}
