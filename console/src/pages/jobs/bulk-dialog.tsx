import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { makeCall } from '../../api/call.ts'
import { keyOf } from '../../api/use-call.ts'
import { useMessages } from '../../language/language-context.tsx'
import { ConfirmDialog } from '../../parts/dialog.tsx'
import { Field, TextInput } from '../../parts/field.tsx'
import { useNamespace } from '../../url/use-namespace.ts'
import layout from '../layout.module.css'

export interface BulkDialogProps {
  readonly action: 'pause' | 'resume'
  /** The jobs that it changes. */
  readonly names: readonly string[]
  /** Selected ones that it does not concern. */
  readonly others: number
  readonly onClose: (isDone: boolean) => void
}

/** Pauses or resumes jobs one after the other; what is refused is named. */
export function BulkDialog({ action, names, others, onClose }: BulkDialogProps): ReactNode {
  const { jobs: texts } = useMessages()
  const namespace = useNamespace()
  const queries = useQueryClient()
  const [note, setNote] = useState('')
  const change = useMutation({
    mutationFn: async () => {
      for (const name of names)
        await (action === 'pause'
          ? makeCall('jobsPause', { name, ...(note === '' ? {} : { note }) }, { namespace })
          : makeCall('jobsResume', { name }, { namespace }))
    },
    onSettled: () => queries.invalidateQueries({ queryKey: keyOf(namespace, 'jobsList') }),
    onSuccess: () => onClose(true),
  })
  return (
    <ConfirmDialog
      isOpen
      onClose={() => onClose(false)}
      title={texts.bulk[action](names.length)}
      action={texts.bulk[action](names.length)}
      count={names.length}
      isPending={change.isPending}
      error={change.error}
      onConfirm={() => change.mutate()}
    >
      <div className={layout['stack']}>
        <p>{texts.bulkText[action](names.length)}</p>
        {others > 0 && <p className={layout['small']}>{texts.notConcerned(others)}</p>}
        {action === 'pause' && (
          <Field label={texts.note}>
            <TextInput value={note} onChange={(event) => setNote(event.currentTarget.value)} />
          </Field>
        )}
      </div>
    </ConfirmDialog>
  )
}
