import type { RunView } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { ScrollBox } from '../../parts/scroll-box.tsx'
import { EmptyState } from '../../parts/states.tsx'
import styles from './run-page.module.css'
import { stackParts } from './stack-parts.ts'

/** The error with its stack: the frames of one's own code stand out, those of libraries are folded. */
export function ErrorTab({ run }: { readonly run: RunView }): ReactNode {
  const { run: texts, parts } = useMessages()
  const { failure } = run
  if (failure === undefined) return <EmptyState title={texts.error.none} />
  if ((run as { hidden?: boolean }).hidden === true) return <EmptyState title={parts.hidden} />
  return (
    <div className={styles['content']}>
      <p className={styles['message']}>
        <strong>{failure.name}</strong> {failure.message}
      </p>
      {failure.code !== undefined && (
        <p>
          {texts.error.code} <code>{failure.code}</code>
        </p>
      )}
      {failure.stack !== undefined && (
        <div>
          <CopyButton text={failure.stack} />
          <ScrollBox className={styles['stack']} name={texts.error.stack}>
            {stackParts(failure.stack).map(({ isLibrary, lines, at }) =>
              isLibrary ? (
                <details key={at} className={styles['library']}>
                  <summary>{texts.error.libraryFrames(lines.length)}</summary>
                  {lines.join('\n')}
                </details>
              ) : (
                <div key={at}>{lines.join('\n')}</div>
              ),
            )}
          </ScrollBox>
        </div>
      )}
    </div>
  )
}
