import { Dialog as BaseDialog } from '@base-ui/react/dialog'
import { type ReactNode, useState } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { Button } from './button.tsx'
import styles from './dialog.module.css'
import { Field, TextInput } from './field.tsx'
import { ProblemNote } from './states.tsx'

export interface DialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly title: string
  readonly children: ReactNode
  readonly isWide?: boolean
}

/** A dialog: the focus goes into it, stays there, and comes back to what has opened it. */
export function Dialog({ isOpen, onClose, title, children, isWide = false }: DialogProps): ReactNode {
  return (
    <BaseDialog.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <BaseDialog.Portal>
        <BaseDialog.Backdrop className={styles['veil']} />
        <BaseDialog.Popup className={`${styles['dialog']} ${isWide ? styles['wide'] : ''}`}>
          <BaseDialog.Title className={styles['title']}>{title}</BaseDialog.Title>
          {children}
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  )
}

export function DialogActions({ children }: { readonly children: ReactNode }): ReactNode {
  return <div className={styles['actions']}>{children}</div>
}

export interface ConfirmProps {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly title: string
  /** What happens, in a sentence. */
  readonly children: ReactNode
  /** What the button says. */
  readonly action: string
  readonly isDangerous?: boolean
  /** How many things it concerns: above 1,000 the number must be typed. */
  readonly count?: number
  readonly isPending?: boolean
  readonly error?: Error | null
  readonly onConfirm: () => void
}

const TYPED_ABOVE = 1_000

/** Asks before something is done. */
export function ConfirmDialog({ isOpen, onClose, title, children, ...rest }: ConfirmProps): ReactNode {
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title={title}>
      <div className={styles['text']}>{children}</div>
      <ConfirmForm onClose={onClose} {...rest} />
    </Dialog>
  )
}

/** Inside of the dialog, so that it begins empty each time. */
function ConfirmForm(props: Omit<ConfirmProps, 'isOpen' | 'title' | 'children'>): ReactNode {
  const { onClose, onConfirm, action, isDangerous = false, count = 0, isPending = false, error = null } = props
  const { parts } = useMessages()
  const [typed, setTyped] = useState('')
  const mustType = count > TYPED_ABOVE
  return (
    <>
      {mustType && (
        <Field label={parts.confirmCount(count)}>
          <TextInput inputMode="numeric" value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
        </Field>
      )}
      {error !== null && <ProblemNote error={error} />}
      <DialogActions>
        <Button onClick={onClose}>{parts.cancel}</Button>
        <Button look={isDangerous ? 'danger' : 'main'} disabled={isPending || (mustType && typed !== String(count))} onClick={onConfirm}>
          {action}
        </Button>
      </DialogActions>
    </>
  )
}
