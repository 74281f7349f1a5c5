import { memo, type ReactNode } from 'react'
import { useLanguage } from '../../../language/language-context.tsx'
import { formatTime, viewerZone } from '../../../time/format.ts'
import type { Line } from './log-buffer.ts'
import { colouredParts } from './log-colours.ts'
import { fieldsText, type LineRange, plainMessage } from './log-text.ts'
import styles from './log-view.module.css'

export interface LogRowProps {
  readonly line: Line | undefined
  readonly number: number
  readonly top: number
  readonly range: LineRange | undefined
  readonly hasTasks: boolean
  readonly onSelect: (isExtended: boolean) => void
}

/** What a row can hold: the rest is in the panel of a selected line. */
const SHOWN_LETTERS = 2_000
const zone = viewerZone()

export const LogRow = memo(DrawnRow, (a, b) => a.line === b.line && a.number === b.number && a.top === b.top && a.range === b.range)

function DrawnRow({ line, number, top, range, hasTasks, onSelect }: LogRowProps): ReactNode {
  const { language, messages } = useLanguage()
  if (line === undefined) return null
  const isSelected = range !== undefined && number >= range.from && number <= range.to
  const dropped = line.seq < 0 ? line.fields?.['dropped'] : undefined
  return (
    <div className={styles['row']} data-level={line.level} data-selected={isSelected} style={{ transform: `translateY(${top}px)` }}>
      <a
        href={`#L${number}`}
        className={styles['number']}
        onClick={(event) => {
          event.preventDefault()
          onSelect(event.shiftKey)
        }}
      >
        {number}
      </a>
      <time dateTime={line.at}>{formatTime(line.at, { language, zone, precise: true }).slice(11)}</time>
      <span className={styles['level']}>{line.level}</span>
      {hasTasks && <span className={styles['task']}>{line.taskId.split('-').slice(1).join('-') || '·'}</span>}
      {line.attempt > 1 && <span className={styles['task']}>#{line.attempt}</span>}
      <span className={styles['message']}>
        {dropped === undefined ? <Coloured message={line.message.slice(0, SHOWN_LETTERS)} /> : messages.run.log.dropped(Number(dropped))}
      </span>
      {line.fields !== undefined && dropped === undefined && (
        <span className={styles['fields']}>{plainMessage(fieldsText(line.fields).slice(0, SHOWN_LETTERS))}</span>
      )}
    </div>
  )
}

/** A message with the colours of a terminal: spans with text, never markup. */
export function Coloured({ message }: { readonly message: string }): ReactNode {
  return colouredParts(message).map(({ text, hue, isFilled, isBold, isFaint, isItalic, isUnderlined }, i) => {
    const look = [isBold && 'bold', isFaint && 'faint', isItalic && 'italic', isUnderlined && 'underlined'].filter(Boolean).join(' ')
    if (hue === undefined && look === '') return text
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a line never move.
      <span key={i} data-hue={hue} data-filled={isFilled} data-look={look === '' ? undefined : look}>
        {text}
      </span>
    )
  })
}
