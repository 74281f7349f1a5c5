import type { ErrorCode } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { asProblem } from '../api/problem.ts'
import { useLanguage, useMessages } from '../language/language-context.tsx'
import { Button } from './button.tsx'
import styles from './states.module.css'

/** While nothing is there to be shown yet. */
export function LoadingState(): ReactNode {
  const { parts } = useMessages()
  return (
    <div className={styles['state']} role="status">
      <span className={styles['spinner']} />
      <span>{parts.loading}</span>
    </div>
  )
}

/** There is nothing: an answer, not an error. */
export function EmptyState({ title, children }: { readonly title: string; readonly children?: ReactNode }): ReactNode {
  return (
    <div className={styles['state']}>
      <p className={styles['title']}>{title}</p>
      {children}
    </div>
  )
}

/** It could not be read: never shown as "nothing". */
export function ErrorState({ error, onRetry }: { readonly error: Error; readonly onRetry?: () => void }): ReactNode {
  const { parts } = useMessages()
  return (
    <div className={styles['state']} role="alert">
      <p className={styles['title']}>{parts.failedTitle}</p>
      <ProblemNote error={error} />
      {onRetry !== undefined && <Button onClick={onRetry}>{parts.tryAgain}</Button>}
    </div>
  )
}

/** What a refused request says, with what would be right. In other languages the code says it, and the mesh's own sentence names the value. */
export function ProblemNote({ error }: { readonly error: Error }): ReactNode {
  const { messages, problems } = useLanguage()
  const { code, detail, hint, errors = [] } = asProblem(error).body
  const translated = problems[code as ErrorCode]
  return (
    <div className={styles['problem']} role="alert">
      <p>{code === 'UNREACHABLE' ? messages.parts.unreachable : (translated ?? detail)}</p>
      {translated !== undefined && (
        <p className={styles['hint']} lang="en">
          {detail}
        </p>
      )}
      {errors.length > 1 && (
        <ul>
          {errors.map((one) => (
            <li key={`${one.field} ${one.detail}`}>
              <code>{one.field}</code> {one.detail}
            </li>
          ))}
        </ul>
      )}
      {hint !== undefined && <p className={styles['hint']}>{hint}</p>}
      <p className={styles['code']}>{code}</p>
    </div>
  )
}
