import { type ReactNode, useMemo, useState } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { Button } from './button.tsx'
import { CopyButton } from './copy-button.tsx'
import { downloadText } from './download.ts'
import { jsonPieces, jsonText, sizeText, viewOf } from './json-text.ts'
import styles from './json-view.module.css'
import { ScrollBox } from './scroll-box.tsx'

export interface JsonViewProps {
  readonly value: unknown
  /** For screen readers, and the name of the downloaded file. */
  readonly name: string
}

/** A value as its exact text. Long ones open on demand. */
export function JsonView({ value, name }: JsonViewProps): ReactNode {
  const { parts } = useMessages()
  const text = useMemo(() => jsonText(value), [value])
  const [isWhole, setWhole] = useState(false)
  const view = viewOf(text)
  const shown = isWhole ? text : view.shown
  // A span for each piece of a large text would freeze the page: it stays plain.
  const pieces = useMemo(() => (shown.length > 20_000 ? undefined : jsonPieces(shown)), [shown])
  return (
    <div className={styles['view']}>
      <div className={styles['tools']}>
        <CopyButton text={text} />
        <Button look="quiet" size="small" onClick={() => downloadText(`${name}.json`, text)}>
          {parts.download}
        </Button>
      </div>
      <ScrollBox className={styles['text']} name={name}>
        {pieces === undefined
          ? shown
          : pieces.map(({ kind, text: piece }, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no other name, and never move.
              <span key={i} className={styles[kind]}>
                {piece}
              </span>
            ))}
      </ScrollBox>
      {view.isCut && !isWhole && (
        <p className={styles['cut']}>
          {parts.cut(sizeText(text.length))}{' '}
          {view.mayShowAll && (
            <Button size="small" onClick={() => setWhole(true)}>
              {parts.showAll(sizeText(text.length))}
            </Button>
          )}
        </p>
      )}
    </div>
  )
}
