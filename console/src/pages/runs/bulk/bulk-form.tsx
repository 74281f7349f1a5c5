import type { BulkAction } from '@carillon/contracts'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useMessages } from '../../../language/language-context.tsx'
import { Button } from '../../../parts/button.tsx'
import { DialogActions } from '../../../parts/dialog.tsx'
import { Field, TextInput } from '../../../parts/field.tsx'
import { ProblemNote } from '../../../parts/states.tsx'
import { useNamespace } from '../../../url/use-namespace.ts'
import styles from '../runs-page.module.css'
import { type BulkTarget, type BulkTotal, NOTHING, runBulk } from './bulk.ts'

export interface BulkFormProps {
  readonly action: BulkAction
  readonly target: BulkTarget
  readonly onClose: () => void
  readonly onDone: () => void
}

type Phase = 'counting' | 'counted' | 'changing' | 'done'
/** Above this the number must be typed. */
const TYPED_ABOVE = 1_000

/** Counts first, with what is left out and why; then changes exactly what was counted. */
export function BulkForm({ action, target, onClose, onDone }: BulkFormProps): ReactNode {
  const { runs, parts } = useMessages()
  const { phase, counted, changed, error, change, stop } = useBulk(action, target)
  const [typed, setTyped] = useState('')
  const mustType = phase === 'counted' && counted.eligible > TYPED_ABOVE
  const finish = () => {
    onClose()
    if (changed.done > 0) onDone()
  }
  return (
    <div className="stack">
      <p aria-live="polite">
        {phase === 'counting' && runs.bulk.counting(counted.matched)}
        {phase === 'counted' && (counted.eligible === 0 ? runs.bulk.none : runs.bulk.eligible(counted.eligible))}
        {phase === 'changing' && runs.bulk.progress(changed.done, counted.eligible)}
        {phase === 'done' && runs.bulk.done(changed.done)}
      </p>
      {phase === 'changing' && <progress max={Math.max(1, counted.eligible)} value={changed.done} aria-label={runs.bulk.actions[action]} />}
      <Skipped total={phase === 'done' ? changed : counted} />
      {mustType && (
        <Field label={parts.confirmCount(counted.eligible)}>
          <TextInput inputMode="numeric" value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
        </Field>
      )}
      {error !== undefined && <ProblemNote error={error} />}
      <DialogActions>
        {phase === 'changing' ? <Button onClick={stop}>{runs.bulk.stop}</Button> : <Button onClick={finish}>{parts.close}</Button>}
        {phase === 'counted' && counted.eligible > 0 && (
          <Button look={action === 'cancel' ? 'danger' : 'main'} disabled={mustType && typed !== String(counted.eligible)} onClick={change}>
            {runs.bulk.confirm(runs.bulk.actions[action], counted.eligible)}
          </Button>
        )}
      </DialogActions>
    </div>
  )
}

function Skipped({ total: { skipped } }: { readonly total: BulkTotal }): ReactNode {
  const { runs, parts } = useMessages()
  if (skipped.length === 0) return null
  return (
    <div className={styles['skipped']}>
      <p>{runs.bulk.skipped}</p>
      <ul>
        {skipped.map(({ code, message, count }) => (
          <li key={code}>
            {parts.counted(count)} · {message}
          </li>
        ))}
      </ul>
    </div>
  )
}

function useBulk(action: BulkAction, target: BulkTarget) {
  const namespace = useNamespace()
  const [phase, setPhase] = useState<Phase>('counting')
  const [counted, setCounted] = useState(NOTHING)
  const [changed, setChanged] = useState(NOTHING)
  const [error, setError] = useState<Error>()
  const abort = useRef(new AbortController())
  // The filter as it was when the dialog was opened.
  const [fixed] = useState(target)
  const request = (isDryRun: boolean, asOf: string | undefined, onProgress: (total: BulkTotal) => void) => {
    abort.current = new AbortController()
    const { signal } = abort.current
    return runBulk({ namespace, action, target: fixed, isDryRun, asOf, signal, onProgress }).catch((reason: unknown) => {
      if (!signal.aborted) setError(reason as Error)
    })
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the dialog opens.
  useEffect(() => {
    request(true, undefined, setCounted).then((total) => total !== undefined && setPhase('counted'))
    return () => abort.current.abort()
  }, [])
  const change = () => {
    setPhase('changing')
    request(false, counted.asOf, setChanged).then(() => setPhase('done'))
  }
  return { phase, counted, changed, error, change, stop: () => abort.current.abort() }
}
