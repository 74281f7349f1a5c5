import type { UseMutationResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { ConfirmDialog, Dialog } from '../../parts/dialog.tsx'

/** A rule or a channel. */
interface Named {
  readonly name: string
}

/** The form of a new one, or of one that is changed. */
export function EditDialog<Value extends Named>({
  edited,
  newTitle,
  onClose,
  children,
}: {
  readonly edited: Value | 'new' | undefined
  readonly newTitle: string
  readonly onClose: () => void
  readonly children: (value: Value | undefined) => ReactNode
}): ReactNode {
  if (edited === undefined) return null
  return (
    <Dialog isOpen onClose={onClose} title={edited === 'new' ? newTitle : edited.name} isWide>
      {children(edited === 'new' ? undefined : edited)}
    </Dialog>
  )
}

/** Asks before one is removed. */
export function RemoveDialog({
  removed,
  remove,
  onClose,
  children,
}: {
  readonly removed: Named | undefined
  readonly remove: UseMutationResult<unknown, Error, { name: string }>
  readonly onClose: () => void
  readonly children: string
}): ReactNode {
  const { alerts: texts, parts } = useMessages()
  if (removed === undefined) return null
  return (
    <ConfirmDialog
      isOpen
      onClose={onClose}
      title={texts.removeTitle(removed.name)}
      action={parts.remove}
      isDangerous
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate({ name: removed.name }, { onSuccess: onClose })}
    >
      {children}
    </ConfirmDialog>
  )
}
