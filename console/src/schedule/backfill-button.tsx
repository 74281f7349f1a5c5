import { type ReactNode, useState } from 'react'
import { useAction } from '../api/use-call.ts'
import { useMessages } from '../language/language-context.tsx'
import { RoleButton } from '../parts/button.tsx'
import { ConfirmDialog } from '../parts/dialog.tsx'
import styles from './schedule.module.css'

/** Fires the slots of a past range after all, each once. @param slots planned times, the oldest first */
export function BackfillButton({ name, slots }: { readonly name: string; readonly slots: readonly string[] }): ReactNode {
  const { schedule: texts } = useMessages()
  const [isOpen, setOpen] = useState(false)
  const backfill = useAction('jobsBackfill', ['runsList'])
  const [from, to] = [slots[0] ?? '', slots.at(-1) ?? '']
  return (
    <div className={styles['row']}>
      <RoleButton role="operator" onClick={() => setOpen(true)}>
        {texts.backfill(slots.length)}
      </RoleButton>
      {backfill.data !== undefined && <span role="status">{texts.backfilled(backfill.data.created)}</span>}
      <ConfirmDialog
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        title={texts.backfill(slots.length)}
        action={texts.backfill(slots.length)}
        count={slots.length}
        isPending={backfill.isPending}
        error={backfill.error}
        onConfirm={() => backfill.mutate({ name, from, to }, { onSuccess: () => setOpen(false) })}
      >
        {texts.backfillText}
      </ConfirmDialog>
    </div>
  )
}
