import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { makeCall } from '../../api/call.ts'
import { keyOf } from '../../api/use-call.ts'
import { useMessages } from '../../language/language-context.tsx'
import { ConfirmDialog } from '../../parts/dialog.tsx'
import { useNamespace } from '../../url/use-namespace.ts'

export interface LetterBulkDialogProps {
  readonly action: 'redrive' | 'remove'
  readonly ids: readonly string[]
  readonly onClose: (isDone: boolean) => void
}

/** Decides about letters one after the other. */
export function LetterBulkDialog({ action, ids, onClose }: LetterBulkDialogProps): ReactNode {
  const { deadLetters: texts } = useMessages()
  const namespace = useNamespace()
  const queries = useQueryClient()
  const decide = useMutation({
    mutationFn: async () => {
      for (const id of ids) await makeCall(action === 'redrive' ? 'deadLettersRedrive' : 'deadLettersRemove', { id }, { namespace })
    },
    onSettled: () => queries.invalidateQueries({ queryKey: keyOf(namespace, 'deadLettersList') }),
    onSuccess: () => onClose(true),
  })
  return (
    <ConfirmDialog
      isOpen
      onClose={() => onClose(false)}
      title={texts.bulk[action](ids.length)}
      action={texts.bulk[action](ids.length)}
      isDangerous={action === 'remove'}
      count={ids.length}
      isPending={decide.isPending}
      error={decide.error}
      onConfirm={() => decide.mutate()}
    >
      {texts.bulkText[action]}
    </ConfirmDialog>
  )
}
